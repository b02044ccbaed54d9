# How a rate grows with the number of workers: a line for each series. Of two tables:
#   epoch-scaling.csv    samples a second over worker processes
#   threads-scaling.csv  times as fast as a reference, the line at 1, over threads

is_times = data eq 'threads-scaling.csv'
over = is_times ? 'threads' : 'workers'
rate = is_times ? 'times' : 'samples_per_s'
longest = 12; series = 0; measured = ' '

array names[1000]
stats data using (series = column('series') + 1, names[int(series)] = short(strcol('label')), \
                  longest = strlen(names[int(series)]) > longest ? strlen(names[int(series)]) : longest, \
                  measured = strstrt(measured, ' ' . strcol(over) . ' ') ? measured : measured . strcol(over) . ' ', \
                  column(over)) nooutput
first = STATS_min; last = STATS_max
low = 1e300; high = 0
stats data using (low = least(least(low, rate), 'lower'), \
                  high = most(most(high, rate), 'upper'), 0) nooutput
if (is_times) { low = low < 1 ? low : 1; high = high > 2 ? high : 2 }
room = is_times ? 1.12 : 1.3
low = low / room; high = high * room
# What the names take: gnuplot gives each character of a key this much.
names_room = 58 + 8 * longest
width = 620 + names_room > 880 ? 620 + names_room : 880
height = 150 + 22 * series > 420 ? 150 + 22 * series : 420

eval canvas(width, height)
set output output
set label 1 title at screen 0.012, screen 1 - 20.0 / height left font sized(12)
set label 2 subtitle at screen 0.012, screen 1 - 41.0 / height left textcolor rgb ink
set lmargin at screen 92.0 / width
set rmargin at screen 1 - (names_room + 0.0) / width
set tmargin at screen 1 - 70.0 / height
set bmargin at screen 60.0 / height
set border 3 linecolor rgb '#888888'
set grid linetype 1 linecolor rgb grid
set tics nomirror textcolor rgb ink
set logscale y
set ytics ()
# Ticks at 1 and 2 and their powers: lines that double with the threads are as steep as the plot.
base = is_times ? 2.0 : 10.0
steps = is_times ? (high / low < 20 ? '1 1.5' : '1') : log10(high / low) > 2.5 ? '1' : '1 2 5'
whole = base ** floor(log(low) / log(base))
while (whole <= high) {
    do for [step in steps] {
        if (whole * step >= low && whole * step <= high) {
            set ytics add (sprintf(is_times ? '%.10gx' : '%.10g', whole * step) whole * step)
        }
    }
    whole = whole * base
}
set yrange [low:high]
if (is_times) {
    set logscale x 2
    set xrange [first / 1.12:last * 1.12]
    set xlabel 'threads (log scale)'
    set ylabel 'times as fast (log scale)'
    set arrow from graph 0, first 1 to graph 1, first 1 nohead linecolor rgb ink
} else {
    set xrange [-0.2:last + 0.2]
    set xlabel 'worker processes (0: the consumer reads for itself)'
    set ylabel 'samples per second (log scale)'
}
set xtics ()
do for [number in measured] { set xtics add (number real(number)) }
set key at screen 1 - 12.0 / width, screen 1 - 70.0 / height right top Left reverse samplen 2

# Colours repeat behind the seventh, with other points.
tints = '#0072B2 #D55E00 #009E73 #CC79A7 #E69F00 #56B4E9 #333333'
tint(i) = word(tints, int(i) % 7 + 1)
point(i) = word('7 5 9 11 13', int(i / 7) % 5 + 1) + 0
at(i, name) = int(column('series')) == i ? or(name, NaN) : NaN
plot for [i = 0:series - 1] data using (at(i, over)):(at(i, 'lower')):(0):(at(i, 'upper') - at(i, 'lower')) \
         with vectors nohead linewidth 1.5 linecolor rgb tint(i) notitle, \
     for [i = 0:series - 1] data using (at(i, over)):(at(i, rate)) with linespoints \
         pointtype point(i) pointsize 0.9 linewidth 1.5 linecolor rgb tint(i) title names[i + 1]
