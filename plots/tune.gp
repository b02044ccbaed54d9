# Settings of one group of arrays: size against the time of reading, both over the present file's.
# Names stand in a column at the right, joined to their points, so that they cannot overlap.

width = 940; height = 460; longest = 12

array size[100]; array time[100]; array name[100]; array place[100]
n = 0
stats data using (n = n + 1, size[n] = column('size_ratio'), time[n] = column('read_ratio'), \
                  name[n] = short(strcol('label')), \
                  longest = strlen(name[n]) > longest ? strlen(name[n]) : longest, \
                  size[n]) nooutput
low_size = STATS_min < 1 ? STATS_min : 1; high_size = STATS_max > 1 ? STATS_max : 1
low = time[1]; high = time[n]
stats data using (low = least(low, 'lower'), high = most(high, 'upper'), 0) nooutput
low = low / 1.6; high = high * 1.6

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
set xrange [low_size > 0.5 ? low_size - 0.3 * (high_size - low_size) - 0.05 : 0:high_size + 0.12 * (high_size - low_size) + 0.05]
set yrange [low:high]
set xlabel 'size over that of the present file'
set ylabel 'time of reading over that of the present file (log scale)'
set ytics ()
decade = floor10(low)
while (decade <= high) {
    do for [step in (log10(high / low) > 2.5 ? '1' : '1 2 5')] {
        if (decade * step >= low && decade * step <= high) {
            set ytics add (sprintf('%g', decade * step) decade * step)
        }
    }
    decade = decade * 10
}
set arrow from graph 0, first 1 to graph 1, first 1 nohead linecolor rgb '#AAAAAA' dashtype 2 back
set arrow from first 1, graph 0 to first 1, graph 1 nohead linecolor rgb '#AAAAAA' dashtype 2 back
do for [i = 1:n] {
    set arrow from first size[i], first time[i] to graph 1.015, graph place[i] \
        nohead linecolor rgb '#BBBBBB' linewidth 1 back
    set label name[i] at graph 1.025, graph place[i] left font sized(9)
}
tint(kind) = kind eq 'recommended' ? 0xD55E00 : kind eq 'present' ? 0x333333 : kind eq 'heuristic' ? 0xA6CEE3 : 0x0072B2
set key at screen 1 - 16.0 / width, screen 1 - 8.0 / height right horizontal samplen 0.3 width -1
plot data using (column('size_ratio')):(or('lower', column('read_ratio'))):(0):(or('upper', column('read_ratio')) - or('lower', column('read_ratio'))) \
         with vectors nohead linewidth 1.5 linecolor rgb '#888888' notitle, \
     data using (column('size_ratio')):(column('read_ratio')):(tint(strcol('kind'))) \
         with points pointtype 7 pointsize 1.1 linecolor rgb variable notitle, \
     data using (strcol('kind') eq 'recommended' ? column('size_ratio') : NaN):(column('read_ratio')) \
         with points pointtype 7 pointsize 1.5 linecolor rgb '#D55E00' notitle, \
     NaN with points pointtype 7 linecolor rgb '#D55E00' title 'recommended', \
     NaN with points pointtype 7 linecolor rgb '#333333' title 'present', \
     NaN with points pointtype 7 linecolor rgb '#A6CEE3' title 'heuristics', \
     NaN with points pointtype 7 linecolor rgb '#0072B2' title 'found'
