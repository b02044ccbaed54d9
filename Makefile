# fmtbench: build, test, demo. `make deps demo` takes a bare Debian 12 to a first picture.

PREFIX ?= /usr/local
DESTDIR ?=
B ?= build
CC ?= cc
CFLAGS ?= -O2 -g
SANITIZE ?=

VERSION := 0.1.0
PACKAGES := hdf5-serial msgpack jansson libxxhash zlib
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes

# Lazily: `make deps` must work before pkg-config is there.
PKG_CFLAGS = $(shell pkg-config --cflags $(PACKAGES))
PKG_LIBS = $(shell pkg-config --libs $(PACKAGES)) -lcsv -lm

# -ffp-contract=off: the generator's data must be the same bytes on every machine.
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -I. $(WARNINGS) -ffp-contract=off $(PKG_CFLAGS) $(CFLAGS) \
             $(SANITIZE) -MMD -MP

SOURCES := $(sort $(wildcard base/*.c datasets/*.c formats/*.c formats/*/*.c bench/*.c \
                             bench/workloads/*.c bench/cli/*.c results/*.c plots/*.c))
OBJECTS := $(SOURCES:%.c=$(B)/%.o)
MAIN := $(B)/bench/cli/main.o

.PHONY: all
all: $(B)/fmtbench

$(B)/libfmtbench.a: $(filter-out $(MAIN),$(OBJECTS))
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/fmtbench: $(MAIN) $(B)/libfmtbench.a
	$(CC) $(SANITIZE) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

UNIT_SOURCES := $(sort $(wildcard tests/unit/test_*.c))
UNIT_TESTS := $(UNIT_SOURCES:%.c=$(B)/%.t)

$(B)/tests/unit/%.t: tests/unit/%.c $(B)/libfmtbench.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -o $@ $< $(B)/libfmtbench.a $(PKG_LIBS) -lcmocka

-include $(OBJECTS:.o=.d) $(UNIT_TESTS:.t=.d)
