# The claims as a table: what the guide says, what was measured, the verdict in words and colour.

row = 26; top = 92; bottom = 22; width = 1060

array claim[100]; array says[100]; array measured[100]; array verdict[100]
n = 0
stats data using (n = n + 1, claim[n] = strcol('claim'), says[n] = strcol('says'), \
                  measured[n] = strcol('measured'), verdict[n] = strcol('verdict'), \
                  column('place')) nooutput
height = top + bottom + row * n

eval canvas(width, height)
set output output
set label 1 title at screen 0.012, screen 1 - 20.0 / height left font sized(12)
set label 2 subtitle at screen 0.012, screen 1 - 41.0 / height left textcolor rgb ink
set lmargin at screen 0
set rmargin at screen 1
set tmargin at screen 1
set bmargin at screen 0
unset border
unset tics
unset key
set xrange [0:width]
set yrange [height:0]

tint(word) = word eq 'reproduced' ? green : word eq 'not reproduced' ? vermilion \
           : word eq 'depends' ? '#E69F00' : '#BBBBBB'
short_to(text, length) = strlen(text) > length ? substr(text, 1, length - 3) . '...' : text

set label 3 'claim' at 14, top - 16 left font sized(9) textcolor rgb ink
set label 4 'the guide says' at 135, top - 16 left font sized(9) textcolor rgb ink
set label 5 'measured' at 320, top - 16 left font sized(9) textcolor rgb ink
set label 6 'verdict' at 934, top - 16 left font sized(9) textcolor rgb ink
do for [i = 1:n] {
    y = top + row * (i - 0.5)
    set object 100 + i rectangle from 14, y + row / 2.0 to width - 14, y + row / 2.0 - 0.6 \
        behind fillcolor rgb grid fillstyle solid 1 noborder
    set object 300 + i circle at 924, y size 5 fillcolor rgb tint(verdict[i]) fillstyle solid 1 noborder
    set label 10 + 4 * i claim[i] at 14, y left font sized(10)
    set label 11 + 4 * i short_to(says[i], 26) at 135, y left font sized(9) textcolor rgb ink
    set label 12 + 4 * i short_to(measured[i], 86) at 320, y left font sized(9)
    set label 13 + 4 * i verdict[i] at 936, y left font sized(10)
}
plot -1 notitle
