# File size against full-load time. Each point's name stands in a column at the right, joined to it
# by a thin line, so that names cannot overlap however close the points are.

width = 880; height = 440; longest = 12

array size[1000]; array time[1000]; array name[1000]; array place[1000]
n = 0
stats data using (n = n + 1, size[n] = column('file_MB'), time[n] = column('median_ms'), \
                  name[n] = short(strcol('label')) . (strcol('role') eq 'reference' ? ' (reference)' : ''), \
                  longest = strlen(name[n]) > longest ? strlen(name[n]) : longest, \
                  size[n]) nooutput
biggest = STATS_max
low = time[1]; high = time[n]
stats data using (low = least(low, 'lower_ms'), \
                  high = most(high, 'upper_ms'), 0) nooutput
low = low / 1.5; high = high * 1.5

# Rows come by rising time. Names move up from the one below by at least a line, then down again
# where they left the top.
need = 22.0 / (height - 130)
height = need * n > 1 ? 130 + 22 * n : height
need = 22.0 / (height - 130)
do for [i = 1:n] {
    want = log(time[i] / low) / log(high / low)
    place[i] = i > 1 && place[i - 1] + need > want ? place[i - 1] + need : want
}
top = 1.0
do for [i = n:1:-1] {
    place[i] = place[i] > top ? top : place[i]
    top = place[i] - need
}

eval canvas(width, height)
set output output
set label 1 title at screen 0.012, screen 1 - 20.0 / height left font sized(12)
set label 2 subtitle at screen 0.012, screen 1 - 41.0 / height left textcolor rgb ink
set lmargin at screen 92.0 / width
set rmargin at screen 1 - (30 + 6.8 * longest) / width
set tmargin at screen 1 - 70.0 / height
set bmargin at screen 60.0 / height
set border 3 linecolor rgb '#888888'
set grid linetype 1 linecolor rgb grid
set tics nomirror textcolor rgb ink
set logscale y
set xrange [0:biggest * 1.12]
set yrange [low:high]
set xlabel 'file size in MB'
set ylabel 'full-load time (log scale)'
set ytics ()
decade = floor10(low)
while (decade <= high) {
    do for [step in (log10(high / low) > 2.5 ? '1' : '1 2 5')] {
        if (decade * step >= low && decade * step <= high) {
            set ytics add (duration(decade * step) decade * step)
        }
    }
    decade = decade * 10
}
do for [i = 1:n] {
    set arrow from first size[i], first time[i] to graph 1.015, graph place[i] \
        nohead linecolor rgb '#BBBBBB' linewidth 1 back
    set label name[i] at graph 1.025, graph place[i] left font sized(9)
}
unset key
plot data using (column('file_MB')):(column('lower_ms')):(0):(column('upper_ms') - column('lower_ms')) \
         with vectors nohead linewidth 1.5 linecolor rgb '#888888', \
     data using (column('file_MB')):(column('median_ms')):(strcol('role') eq 'reference' ? 0xA6CEE3 : 0x0072B2) \
         with points pointtype 7 pointsize 1 linecolor rgb variable
