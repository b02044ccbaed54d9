/* The functions behind the commands, one a file; the table is in commands.c. */
#ifndef FB_BENCH_CLI_COMMANDS_H
#define FB_BENCH_CLI_COMMANDS_H

#include "bench/cli/command.h"

int fb_command_run(int argc, char **argv, struct fb_error *err);
int fb_command_explain(int argc, char **argv, struct fb_error *err);
int fb_command_tune(int argc, char **argv, struct fb_error *err);
int fb_command_claims(int argc, char **argv, struct fb_error *err);
int fb_command_gate(int argc, char **argv, struct fb_error *err);
int fb_command_compare(int argc, char **argv, struct fb_error *err);
int fb_command_history(int argc, char **argv, struct fb_error *err);
int fb_command_selftest_gate(int argc, char **argv, struct fb_error *err);
int fb_command_gen(int argc, char **argv, struct fb_error *err);
int fb_command_convert(int argc, char **argv, struct fb_error *err);
int fb_command_info(int argc, char **argv, struct fb_error *err);
int fb_command_read(int argc, char **argv, struct fb_error *err);
int fb_command_search(int argc, char **argv, struct fb_error *err);
int fb_command_list(int argc, char **argv, struct fb_error *err);
int fb_command_show(int argc, char **argv, struct fb_error *err);
int fb_command_plot(int argc, char **argv, struct fb_error *err);
int fb_command_export(int argc, char **argv, struct fb_error *err);
int fb_command_schema(int argc, char **argv, struct fb_error *err);
int fb_command_execute(int argc, char **argv, struct fb_error *err);
int fb_command_evict(int argc, char **argv, struct fb_error *err);
int fb_command_worker(int argc, char **argv, struct fb_error *err);

#endif
