/* Pictures of a run, drawn by gnuplot from the tidy tables that results/ writes. */
#ifndef FB_PLOTS_PLOT_H
#define FB_PLOTS_PLOT_H

#include "base/error.h"
#include "results/tidy.h"

#include <stdio.h>

/* Reads RUN_DIR/results.csv, writes RUN_DIR/plots/NAME.csv and, with gnuplot, NAME.svg and NAME.png
 * beside it (replaced whole), and prints the path of each picture to `say`, a line each. The same
 * from RUN_DIR/anatomy.csv and claims.csv where they are; then results.csv may be missing.
 *
 * The scripts are those in plots/ beside the program or beside its folder, or else the installed
 * ones.
 *
 * FB_EUNSUPPORTED when gnuplot is not installed, FB_ENOTHING when no row of the run can be drawn,
 * FB_EIO with gnuplot's own message when a picture fails: the others are still made, and the error
 * tells of the first. */
int fb_plots_make(const char *run_dir, FILE *say, struct fb_error *err);

/* The same with the scripts (common.gp and others) of a given folder, an absolute path. */
int fb_plots_make_with(const char *scripts, const char *run_dir, FILE *say, struct fb_error *err);

/* Draws pictures whose tables stand in `folder` already, beside these. Fails as fb_plots_make. */
int fb_plots_draw(const struct fb_pictures *pictures, const char *folder, FILE *say,
                  struct fb_error *err);

#endif
