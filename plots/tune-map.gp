# Cost by the rows of a chunk and the gzip level; 0 is uncompressed. Light is cheap.

width = 940; height = 430
n = 0
array seen[1000]
stats data using (column('cost') > 0 ? log10(column('cost')) : 0) nooutput
low = STATS_min; high = STATS_max > low + 0.1 ? STATS_max : low + 0.1
stats data using (column('place')) nooutput
most_place = STATS_max
stats data using (n = column('place') + 1, seen[n] = column('rows'), 0) nooutput

eval canvas(width, height)
set output output
set label 1 title at screen 0.012, screen 1 - 20.0 / height left font sized(12)
set label 2 subtitle at screen 0.012, screen 1 - 41.0 / height left textcolor rgb ink
set lmargin at screen 70.0 / width
set rmargin at screen 1 - 140.0 / width
set tmargin at screen 1 - 70.0 / height
set bmargin at screen 90.0 / height
set border 3 linecolor rgb '#888888'
set tics nomirror textcolor rgb ink
set xrange [-0.5:most_place + 0.5]
set yrange [-0.5:9.5]
set xlabel 'rows of a chunk' offset 0, -1
set ylabel 'gzip level (0: uncompressed)'
set xtics rotate by -50
set xtics ()
do for [i = 1:most_place + 1] { set xtics add (sprintf('%d', seen[i]) i - 1) }
set ytics 1
set palette defined (0 '#F7FBFF', 0.5 '#6BAED6', 1 '#08306B')
set cbrange [low:high]
set cblabel 'cost over the present file' offset 0.5, 0
set cbtics ()
do for [e = floor(low):ceil(high)] {
    if (e >= low - 1e-9 && e <= high + 1e-9) { set cbtics add (sprintf('%g', 10.0 ** e) e) }
}
unset key
plot data using (column('place')):(column('level')):(0.48):(0.48):(log10(column('cost'))) \
         with boxxyerror fillstyle solid noborder linecolor palette
