# Samples a second over the number of worker processes: a line for each format and handle.

width = 880; longest = 12; series = 0

array names[1000]
stats data using (series = column('series') + 1, names[int(series)] = short(strcol('label')), \
                  longest = strlen(names[int(series)]) > longest ? strlen(names[int(series)]) : longest, \
                  column('workers')) nooutput
last = STATS_max
low = 1e300; high = 0
stats data using (low = least(least(low, 'samples_per_s'), 'lower'), \
                  high = most(most(high, 'samples_per_s'), 'upper'), 0) nooutput
height = 150 + 22 * series > 420 ? 150 + 22 * series : 420

eval canvas(width, height)
set output output
set label 1 title at screen 0.012, screen 1 - 20.0 / height left font sized(12)
set label 2 subtitle at screen 0.012, screen 1 - 41.0 / height left textcolor rgb ink
set lmargin at screen 92.0 / width
set rmargin at screen 1 - (70 + 6.8 * longest) / width
set tmargin at screen 1 - 70.0 / height
set bmargin at screen 60.0 / height
set border 3 linecolor rgb '#888888'
set grid linetype 1 linecolor rgb grid
set tics nomirror textcolor rgb ink
set xrange [-0.2:last + 0.2]
set xtics 1
set logscale y
set yrange [low / 1.3:high * 1.3]
set ytics ()
decade = floor10(low / 1.3)
while (decade <= high * 1.3) {
    do for [step in (log10(high / low) > 2.5 ? '1' : '1 2 5')] {
        if (decade * step >= low / 1.3 && decade * step <= high * 1.3) {
            set ytics add (sprintf('%.10g', decade * step) decade * step)
        }
    }
    decade = decade * 10
}
set xlabel 'worker processes (0: the consumer reads for itself)'
set ylabel 'samples per second (log scale)'
set key at screen 1 - 12.0 / width, screen 1 - 70.0 / height right top Left reverse samplen 2

# Colours repeat behind the seventh, with other points.
tints = '#0072B2 #D55E00 #009E73 #CC79A7 #E69F00 #56B4E9 #333333'
tint(i) = word(tints, int(i) % 7 + 1)
point(i) = word('7 5 9 11 13', int(i / 7) % 5 + 1) + 0
at(i, name) = int(column('series')) == i ? or(name, NaN) : NaN
plot for [i = 0:series - 1] data using (at(i, 'workers')):(at(i, 'lower')):(0):(at(i, 'upper') - at(i, 'lower')) \
         with vectors nohead linewidth 1.5 linecolor rgb tint(i) notitle, \
     for [i = 0:series - 1] data using (at(i, 'workers')):(at(i, 'samples_per_s')) with linespoints \
         pointtype point(i) pointsize 0.9 linewidth 1.5 linecolor rgb tint(i) title names[i + 1]
