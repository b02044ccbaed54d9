# What each step leaves of the pickle: a bar a file, its share beside it.

bar = 34; top = 66; bottom = 54; width = 880; longest = 12

array labels[100]; array share[100]
n = 0
stats data using (n = n + 1, labels[n] = short(strcol('label')), share[n] = column('share'), \
                  longest = strlen(labels[n]) > longest ? strlen(labels[n]) : longest, \
                  column('MB')) nooutput
biggest = STATS_max
height = top + bottom + bar * n

eval canvas(width, height)
set output output
set label 1 title at screen 0.012, screen 1 - 20.0 / height left font sized(12)
set label 2 subtitle at screen 0.012, screen 1 - 41.0 / height left textcolor rgb ink
set lmargin at screen (24 + 7.4 * longest) / width
set rmargin at screen 1 - 28.0 / width  # room for half a label
set tmargin at screen 1 - top / (1.0 * height)
set bmargin at screen bottom / (1.0 * height)
set border 1 linecolor rgb '#888888'
set grid xtics linetype 1 linecolor rgb grid
set tics scale 0 nomirror textcolor rgb ink
set xrange [0:biggest * 1.3]
set yrange [n - 0.5:-0.5]
set xlabel 'file size in MB' offset 0, 0.3 textcolor rgb ink
set ytics ()
do for [i = 1:n] { set ytics add (labels[i] i - 1) }
set style fill solid 1 noborder
unset key
# The pickle, files that are not compressed, files that are.
tint(label) = label eq 'pickle' ? 0x888888 : strstrt(label, 'gzip') ? 0x0072B2 : 0xA6CEE3
plot data using (0):(column('place')):(0):(column('MB')):(column('place') - 0.32):(column('place') + 0.32):(tint(strcol('label'))) \
         with boxxyerror linecolor rgb variable, \
     data using (column('MB')):(column('place')):(sprintf('%.1f MB  %.1f %%', column('MB'), column('share'))) \
         with labels left offset 0.8, 0 font sized(9) textcolor rgb ink
