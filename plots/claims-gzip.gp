# Two panels of the same levels: size against the time to write, and against the time to load.

width = 880; height = 420
stats data using (column('size_MB')) nooutput
low_size = STATS_min; high_size = STATS_max
eval canvas(width, height)
set output output
set multiplot
set label 1 title at screen 0.012, screen 1 - 20.0 / height left font sized(12)
set label 2 subtitle at screen 0.012, screen 1 - 41.0 / height left textcolor rgb ink
set tmargin at screen 1 - 76.0 / height
set bmargin at screen 60.0 / height
set border 3 linecolor rgb '#888888'
set grid linetype 1 linecolor rgb grid
set tics nomirror textcolor rgb ink
set yrange [low_size - 0.12 * (high_size - low_size):high_size + 0.12 * (high_size - low_size)]
unset key
tint(dominated) = dominated > 0.5 ? 0xAAAAAA : 0x0072B2

do for [panel = 0:1] {
    name = panel ? 'read' : 'write'
    high = 0
    stats data using (high = most(most(high, name . '_ms'), name . '_upper_ms'), 0) nooutput
    set xrange [0:high * 1.1]
    set lmargin at screen (panel ? 512.0 : 72.0) / width
    set rmargin at screen (panel ? 862.0 : 420.0) / width
    set xlabel (panel ? 'time of a full load in ms' : 'time to write in ms')
    set ylabel (panel ? '' : 'file size in MB')
    plot data using (or(name . '_lower_ms', column(name . '_ms'))):(column('size_MB')):(or(name . '_upper_ms', column(name . '_ms')) - or(name . '_lower_ms', column(name . '_ms'))):(0) \
             with vectors nohead linewidth 1.5 linecolor rgb '#BBBBBB', \
         data using (column(name . '_ms')):(column('size_MB')):(tint(column('dominated'))) \
             with points pointtype 7 pointsize 1.1 linecolor rgb variable, \
         data using (column(name . '_ms')):(column('size_MB')):(sprintf('%d', column('level'))) \
             with labels offset 0, 0.9 font sized(9) textcolor rgb ink
    unset label 1; unset label 2
}
unset multiplot
