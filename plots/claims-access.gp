# The time of one access over the size of the dataset, warm and cold, and where the lines cross.

width = 880; height = 440
low = 1e300; high = 0; left = 1e300; right = 0
array label[3] = ['', '', '']
array cross[2]; array sure[2] # from where on it is clear
do for [c = 1:2] { cross[c] = -1; sure[c] = -1 }
array there[2] = [0, 0]
stats data using (low = least(least(low, 'median_ms'), 'lower_ms'), \
                  high = most(most(high, 'median_ms'), 'upper_ms'), \
                  left = least(left, 'MB'), right = most(right, 'MB'), \
                  label[int(column('reader')) + 1] = strcol('label'), \
                  there[int(column('cold')) + 1] = 1, \
                  cross[int(column('cold')) + 1] = or('crossing_MB', -1), \
                  sure[int(column('cold')) + 1] = or('crossing_high_MB', -1), \
                  0) nooutput
smallest = left; left = left / 1.4; right = right * 1.4
low = low / 1.5; high = high * 1.5

eval canvas(width, height)
set output output
set multiplot
set label 1 title at screen 0.012, screen 1 - 20.0 / height left font sized(12)
set label 2 subtitle at screen 0.012, screen 1 - 41.0 / height left textcolor rgb ink
set tmargin at screen 1 - 110.0 / height
set bmargin at screen 60.0 / height
set border 3 linecolor rgb '#888888'
set grid linetype 1 linecolor rgb grid
set tics nomirror textcolor rgb ink
set logscale xy
set xrange [left:right]
set yrange [low:high]
set xlabel 'arrays in the dataset, MB as float64'
set ytics ()
decade = floor10(low)
while (decade <= high) {
    if (decade >= low) { set ytics add (duration(decade) decade) }
    decade = decade * 10
}
set xtics ()
decade = floor10(left)
while (decade <= right) {
    do for [step in (log10(right / left) > 2.2 ? '1' : '1 2 5')] {
        tick = decade * step
        if (tick >= left && tick <= right) { set xtics add (sprintf('%g', tick) tick) }
    }
    decade = decade * 10
}
set key at screen 862.0 / width, screen 1 - 62.0 / height right center horizontal samplen 2
tints = "'#888888' '#D55E00' '#0072B2'"

do for [c = 0:1] {
    set lmargin at screen (c ? 500.0 : 72.0) / width
    set rmargin at screen (c ? 862.0 : 434.0) / width
    set label 3 (c ? 'cold' : 'warm') at graph 0.02, graph 1.05 left font sized(10)
    if (cross[c + 1] > 0) {
        set arrow 1 from first cross[c + 1], graph 0 to first cross[c + 1], graph 1 nohead \
            dashtype 2 linecolor rgb ink back
        set label 4 sprintf('HDF5 is faster from %.3g MB', cross[c + 1]) \
            at graph 0.98, graph 1.05 right font sized(9) textcolor rgb ink
    } else {
        set label 4 (sure[c + 1] > smallest ? \
                         sprintf('HDF5 is clearly faster from %.3g MB', sure[c + 1]) : \
                     sure[c + 1] > 0 ? 'HDF5 is faster at every size measured' : '') \
            at graph 0.98, graph 1.05 right font sized(9) textcolor rgb ink
    }
    here(reader, x) = column('cold') == c && column('reader') == reader ? x : NaN
    plot for [reader = 0:2] data \
             using (here(reader, column('MB'))):(column('median_ms')) with linespoints \
             pointtype 7 pointsize 0.9 linewidth 1.5 linecolor rgb word(tints, reader + 1) \
             title (c ? '' : label[reader + 1]), \
         for [reader = 0:2] data \
             using (here(reader, column('MB'))):(or('lower_ms', column('median_ms'))):(0):(or('upper_ms', column('median_ms')) - or('lower_ms', column('median_ms'))) \
             with vectors nohead linewidth 2 linecolor rgb ink notitle
    unset label 1; unset label 2; unset label 4; unset arrow 1
    unset key
}
unset multiplot
