# Where the time of traced passes goes: a bar of shares for each, its total beside it. Shares rather
# than times, because passes of one run may differ by a factor of a thousand.

bar = 30; top = 108; bottom = 52; width = 940; longest = 12; text = 8

keys = 'open lookup metadata_io raw_io inflate unshuffle library unexplained'
# Okabe and Ito's colours; neighbours in the bar differ in lightness as well.
tints = '#CC79A7 #F0E442 #56B4E9 #0072B2 #D55E00 #E69F00 #009E73 #BBBBBB'
name(i) = word("open lookup 'metadata I/O' 'raw I/O' inflate unshuffle library unexplained", i)

array labels[100]
stats data using (labels[int(column('place')) + 1] = short(strcol('label')), \
                  longest = strlen(short(strcol('label'))) > longest ? strlen(short(strcol('label'))) : longest, \
                  text = strlen(strcol('total_text')) > text ? strlen(strcol('total_text')) : text, \
                  column('place')) nooutput
n = int(STATS_max) + 1
height = top + bottom + bar * n

eval canvas(width, height)
set output output
set label 1 title at screen 0.012, screen 1 - 20.0 / height left font sized(12)
set label 2 subtitle at screen 0.012, screen 1 - 41.0 / height left textcolor rgb ink
set lmargin at screen (24 + 7.4 * longest) / width
set rmargin at screen 1 - (24 + 8.0 * text) / width
set tmargin at screen 1 - top / (1.0 * height)
set bmargin at screen bottom / (1.0 * height)
set border 1 linecolor rgb '#888888'
set grid xtics linetype 1 linecolor rgb grid
set tics scale 0 nomirror textcolor rgb ink
set xrange [0:100]
set yrange [n - 0.5:-0.5]
set xtics 0, 20, 100 format '%g %%'
set xlabel 'share of the pass; its total stands at the right' offset 0, 0.3 textcolor rgb ink
set ytics ()
do for [i = 1:n] { set ytics add (labels[i] i - 1) }
set style fill solid 1 border rgb 'white'
unset key

# The legend: a swatch and a word each, in the order of the bars, above them.
x = 14.0
do for [i = 1:words(keys)] {
    set object 10 + i rectangle from screen x / width, screen 1 - 62.0 / height \
        to screen (x + 14.0) / width, screen 1 - 76.0 / height \
        behind fillcolor rgb word(tints, i) fillstyle solid 1 noborder
    set label 10 + i name(i) at screen (x + 20.0) / width, screen 1 - 69.0 / height left \
        font sized(9) textcolor rgb ink
    x = x + 20 + 7.6 * strlen(name(i)) + 20
}

part(i) = column(word(keys, i) . '_ms')
total = 0
share(i) = column('total_ms') > 0 ? 100.0 * part(i) / column('total_ms') : 0
before(i) = i == 1 ? 0 : sum [k = 1:i - 1] share(k)
# A share that has room for it carries its number.
number(i) = share(i) >= 6 ? sprintf('%.0f', share(i)) : ''
dark(i) = i == 4 || i == 5 || i == 7
plot for [i = 1:words(keys)] data \
         using (before(i)):(column('place')):(before(i)):(before(i) + share(i)): \
               (column('place') - 0.36):(column('place') + 0.36) \
         with boxxyerror linecolor rgb word(tints, i), \
     for [i = 1:words(keys)] data \
         using (before(i) + share(i) / 2):(column('place')):(number(i)) \
         with labels center font sized(8) textcolor rgb (dark(i) ? '#FFFFFF' : ink), \
     data using (100):(column('place')):(strcol('total_text')) \
         with labels left offset 0.8, 0 font sized(9) textcolor rgb ink
