# Time from run to run, a panel per series with a scale of its own: a change of some percent is to
# be seen beside formats that differ by powers of ten.

strip = 84; top = 82; bottom = 78; between = 34; width = 940
longest = 8

stats data using (column('panel')) nooutput
panels = int(STATS_max) + 1
stats data using (column('place')) nooutput
last = int(STATS_max)
array name[panels]; array low[panels]; array high[panels]
array run[last + 1]
do for [p = 1:panels] { low[p] = 1e300; high[p] = 0 }
stats data using (p = int(column('panel')) + 1, name[p] = short(strcol('label')), \
                  low[p] = least(low[p], 'median_ms'), high[p] = most(high[p], 'median_ms'), \
                  run[int(column('place')) + 1] = strcol('run'), 0) nooutput

height = top + bottom + strip * panels + between * (panels - 1)
eval canvas(width, height)
set output output
set multiplot
set border 3 linecolor rgb '#888888'
set tics nomirror textcolor rgb ink
set xrange [-0.5:last + 0.5]
set lmargin at screen 84.0 / width
set rmargin at screen 1 - 24.0 / width
unset key
in_panel(p, name) = int(column('panel')) == p ? or(name, NaN) : NaN
is_new(p) = int(column('panel')) == p && has('change')
every = last / 12 + 1

do for [p = 0:panels - 1] {
    y = top + p * (strip + between)
    set tmargin at screen 1 - (y + 0.0) / height
    set bmargin at screen 1 - (y + strip + 0.0) / height
    room = 0.12 * (high[p + 1] - low[p + 1]) + 0.02 * high[p + 1]
    set yrange [low[p + 1] - room:high[p + 1] + 2 * room]
    rough = (high[p + 1] - low[p + 1] + 3 * room) / 4
    step = floor10(rough)
    step = step * (rough <= step ? 1 : rough <= 2 * step ? 2 : rough <= 5 * step ? 5 : 10)
    set ytics ()
    do for [k = ceil((low[p + 1] - room) / step):floor((high[p + 1] + 2 * room) / step)] {
        set ytics add (duration(k * step) k * step)
    }
    set grid ytics linetype 1 linecolor rgb grid
    unset label
    if (p == 0) {
        set label 1 title at screen 0.012, screen 1 - 18.0 / height left font sized(12)
        set label 2 subtitle at screen 0.012, screen 1 - 37.0 / height left textcolor rgb ink
    }
    set label 3 name[p + 1] at graph 0, graph 1.11 left textcolor rgb ink
    set xtics ()
    if (p == panels - 1) {
        set xtics rotate by -35
        do for [k = 0:last:every] { set xtics add (run[k + 1] k) }
    } else {
        do for [k = 0:last:every] { set xtics add ('' k) }
    }
    plot data using (is_new(p) ? column('place') - 0.5 : NaN):(low[p + 1] - room):(0):(high[p + 1] - low[p + 1] + 3 * room) \
             with vectors nohead linewidth 1.2 dashtype 2 linecolor rgb vermilion, \
         data using (in_panel(p, 'place')):(column('lower_ms')):(0):(column('upper_ms') - column('lower_ms')) \
             with vectors nohead linewidth 1 linecolor rgb light_blue, \
         data using (in_panel(p, 'place')):(column('median_ms')) \
             with linespoints pointtype 7 pointsize 0.35 linewidth 1 linecolor rgb blue, \
         data using (in_panel(p, 'place')):(column('level_ms')) \
             with steps linewidth 1.8 linecolor rgb ink, \
         data using (is_new(p) ? column('place') : NaN):(high[p + 1] + 1.3 * room):(strcol('change')) \
             with labels left textcolor rgb vermilion
}
unset multiplot
