# Horizontal bars of time, a panel per handle policy, warm and cold side by side.

bar = 27          # pixels a row of bars, as all lengths here
top = 78; bottom = 54; between = 30
width = 880; longest = 12

stats data using (column('panel')) nooutput
panels = int(STATS_max) + 1
array rows[panels]
total = 0
do for [p = 0:panels - 1] {
    stats data using (column('panel') == p ? column('place') : NaN) nooutput
    rows[p + 1] = int(STATS_max) + 1
    total = total + rows[p + 1]
}
has_warm = 0; has_cold = 0; has_reference = 0
array handle[panels]
array name[panels * 1000]
stats data using (has_warm = has_warm || strcol('cache') eq 'warm', \
                  has_cold = has_cold || strcol('cache') eq 'cold', \
                  has_reference = has_reference || strcol('role') eq 'reference', \
                  handle[int(column('panel')) + 1] = strcol('handle'), \
                  name[int(column('panel')) * 1000 + int(column('place')) + 1] = short(strcol('label')), \
                  longest = strlen(short(strcol('label'))) > longest ? strlen(short(strcol('label'))) : longest, \
                  0) nooutput
both = has_warm && has_cold

low = 1e300; high = 0
stats data using (low = least(least(low, 'median_ms'), 'lower_ms'), \
                  high = most(most(high, 'median_ms'), 'upper_ms'), \
                  0) nooutput
low = low > 0 ? low : 1e-6
high = high > low ? high : low
# The shortest bar must be one, and the longest needs room for its text.
left = low / floor10(low) < 1.5 ? floor10(low) / 2 : floor10(low)
right = high * (high / left) ** 0.13

height = top + bottom + bar * total + between * (panels - 1)
eval canvas(width, height)
set output output
set multiplot
set label 1 title at screen 0.012, screen 1 - 20.0 / height left font sized(12)
set label 2 subtitle at screen 0.012, screen 1 - 41.0 / height left textcolor rgb ink
set border 1 linecolor rgb '#888888'
set logscale x
set xrange [left:right]
set grid xtics linetype 1 linecolor rgb grid
set tics scale 0 nomirror textcolor rgb ink
set lmargin at screen (24 + 7.4 * longest) / width
set rmargin at screen 1 - 28.0 / width  # room for half a label
set style fill solid 1 noborder
unset key

offset(cache) = both ? (cache eq 'warm' ? -0.22 : 0.22) : 0
half = both ? 0.21 : 0.32
colour(cache, role) = cache eq 'warm' ? (role eq 'reference' ? 0xA6CEE3 : 0x0072B2) \
                                      : (role eq 'reference' ? 0xF3C9A5 : 0xD55E00)
y(cache) = column('place') + offset(cache)
here(x) = column('panel') == p ? x : NaN
end(x) = or('upper_ms', or('median_ms', x))

meaning(policy) = policy eq 'once' ? 'once: the file is opened inside the clock' \
                : policy eq 'keep' ? 'keep: the file is already open' \
                : 'each: the file is opened and closed for every request'

# The legend: a swatch and a word from x pixels on, in line with the first panel's caption.
swatch(i, shown, x, tint, word) = !shown ? '' : \
    sprintf("set object %d rectangle from screen %f, screen %f to screen %f, screen %f behind fillcolor rgb '%s' fillstyle solid 1 noborder; set label %d '%s' at screen %f, screen %f left font '%s' textcolor rgb ink", \
            i, x / width, 1 - (top - 5.0) / height, (x + 14.0) / width, 1 - (top - 14.0) / height, tint, \
            i, word, (x + 20.0) / width, 1 - (top - 9.0) / height, sized(9))
eval swatch(4, has_warm, 620.0, blue, 'warm')
eval swatch(5, has_cold, 690.0, vermilion, 'cold')
eval swatch(6, has_reference, 755.0, has_warm ? light_blue : light_vermilion, 'reference')

above = top
do for [p = 0:panels - 1] {
    n = rows[p + 1]
    bottommost = p == panels - 1
    set tmargin at screen 1 - above / (1.0 * height)
    set bmargin at screen 1 - (above + bar * n) / (1.0 * height)
    set yrange [n - 0.5:-0.5]
    set ytics ()
    do for [i = 1:n] { set ytics add (name[p * 1000 + i] i - 1) }
    set xtics ()
    decade = floor10(left)
    while (decade <= right) {
        do for [step in (log10(right / left) > 2.2 ? '1' : '1 2 5')] {
            tick = decade * step
            if (tick >= left * 0.999 && tick <= right) {
                set xtics add ((bottommost ? duration(tick) : '') tick)
            }
        }
        decade = decade * 10
    }
    if (bottommost) { set xlabel 'time (log scale)' offset 0, 0.3 }
    set label 3 'handle ' . meaning(handle[p + 1]) at screen 0.012, screen 1 - (above - 9.0) / height \
        left font sized(9) textcolor rgb ink
    plot data using (here(left)):(y(strcol('cache'))):(left):(column('median_ms')): \
              (y(strcol('cache')) - half):(y(strcol('cache')) + half): \
              (colour(strcol('cache'), strcol('role'))) \
             with boxxyerror linecolor rgb variable notitle, \
         data using (here(column('median_ms'))):(y(strcol('cache'))):(column('lower_ms')):(column('upper_ms')) \
             with xerrorbars pointtype 0 linecolor rgb ink linewidth 1.3 notitle, \
         data using (here(end(left))):(y(strcol('cache'))):(strcol('text')) \
             with labels left offset 0.8, 0 font sized(8) textcolor rgb ink notitle
    # Each plot of a multiplot would draw title and legend again.
    unset label 1; unset label 2; unset for [i = 4:6] label i; unset object
    above = above + bar * n + between
}
unset multiplot
