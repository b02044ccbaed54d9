# Loaded before every picture's own script. The driver has set
#   terminal  'svg' or 'pngcairo'
#   output    the file to write
#   data      the tidy table
#   title, subtitle
# and the working folder is the one that holds the table.

set encoding utf8
set datafile separator ','
set datafile columnheaders
set datafile missing ''

# Okabe and Ito's colours, which people with any colour vision tell apart.
blue = '#0072B2'; vermilion = '#D55E00'; green = '#009E73'; purple = '#CC79A7'; ink = '#333333'
# Lighter ones of the first two, for reference lines that are no contenders.
light_blue = '#A6CEE3'; light_vermilion = '#F3C9A5'
grid = '#D8D8D8'

canvas(width, height) = terminal eq 'svg' \
    ? sprintf("set terminal svg size %d,%d dynamic noenhanced font 'sans-serif,13' background 'white'", width, height) \
    : sprintf("set terminal pngcairo size %d,%d noenhanced font 'sans,10' background 'white'", width, height)

# A font of so many points: SVG counts in pixels.
sized(points) = sprintf(',%g', terminal eq 'svg' ? points * 4 / 3.0 : points)

# Milliseconds, on an axis, in the unit that fits.
duration(ms) = ms < 0.99e-3 ? sprintf('%.10g ns', ms * 1e6) : ms < 0.99 ? sprintf('%.10g us', ms * 1e3) \
             : ms < 990 ? sprintf('%.10g ms', ms) : sprintf('%.10g s', ms / 1e3)
floor10(x) = 10.0 ** floor(log10(x) + 1e-9)
ceil10(x) = 10.0 ** ceil(log10(x) - 1e-9)

# A field of the table, where empty ones must not end the expression they stand in.
has(name) = strcol(name) ne ''
or(name, otherwise) = has(name) ? real(strcol(name)) : otherwise
# The smaller, the larger of a number and a field.
least(x, name) = or(name, x) < x ? or(name, x) : x
most(x, name) = or(name, x) > x ? or(name, x) : x

# Names beyond this length would leave no room for the picture.
short(name) = strlen(name) > 48 ? substr(name, 1, 45) . '...' : name
