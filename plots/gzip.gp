# Two panels over the same gzip levels: what a level saves, and what it costs to read.

width = 880; height = 380
stats data using (column('level')) nooutput
first = STATS_min; last = STATS_max
stats data using (column('size_MB')) nooutput
biggest = STATS_max
low = 1e300; high = 0; has_slicing = 0
stats data using (low = least(least(low, 'full_load_median_ms'), 'slicing_median_ms'), \
                  low = least(least(low, 'full_load_lower_ms'), 'slicing_lower_ms'), \
                  high = most(most(high, 'full_load_median_ms'), 'slicing_median_ms'), \
                  high = most(most(high, 'full_load_upper_ms'), 'slicing_upper_ms'), \
                  has_slicing = has_slicing || has('slicing_median_ms'), 0) nooutput

eval canvas(width, height)
set output output
set multiplot
set label 1 title at screen 0.012, screen 1 - 20.0 / height left font sized(12)
set label 2 subtitle at screen 0.012, screen 1 - 41.0 / height left textcolor rgb ink
set tmargin at screen 1 - 96.0 / height
set bmargin at screen 60.0 / height
set border 3 linecolor rgb '#888888'
set grid linetype 1 linecolor rgb grid
set tics nomirror textcolor rgb ink
set xrange [first - 0.8:last + 0.8]
set xtics 1
set xlabel 'gzip level'
unset key

set lmargin at screen 72.0 / width
set rmargin at screen 420.0 / width
set yrange [0:biggest * 1.2]
set ylabel 'file size in MB'
plot data using (column('level')):(column('size_MB')) with linespoints \
         pointtype 7 pointsize 0.9 linewidth 1.5 linecolor rgb green, \
     data using (column('level')):(column('size_MB')):(has('ratio') ? sprintf('%.2f : 1', column('ratio')) : '') \
         with labels offset 0, 1 font sized(9) textcolor rgb ink

unset label 1; unset label 2
set lmargin at screen 512.0 / width
set rmargin at screen 862.0 / width
set logscale y
set yrange [floor10(low):ceil10(high * 1.2)]
set ytics ()
decade = floor10(low)
while (decade <= ceil10(high * 1.2)) {
    set ytics add (duration(decade) decade)
    decade = decade * 10
}
set ylabel 'time (log scale)'
set key at screen 862.0 / width, screen 1 - 76.0 / height right center horizontal samplen 2
plot data using (column('level')):(column('full_load_median_ms')) with linespoints \
         pointtype 7 pointsize 0.9 linewidth 1.5 linecolor rgb blue title 'full load', \
     data using (column('level')):(column('full_load_lower_ms')):(0):(column('full_load_upper_ms') - column('full_load_lower_ms')) \
         with vectors nohead linewidth 2 linecolor rgb ink notitle, \
     data using (column('level')):(column('slicing_median_ms')) with linespoints \
         pointtype 5 pointsize 0.8 linewidth 1.5 linecolor rgb vermilion title (has_slicing ? 'slicing' : ''), \
     data using (column('level')):(column('slicing_lower_ms')):(0):(column('slicing_upper_ms') - column('slicing_lower_ms')) \
         with vectors nohead linewidth 2 linecolor rgb ink notitle
unset multiplot
