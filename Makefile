# gyre. `make help` lists the commands and the variables.
#
# The library is every .c of the six floors. It is built twice: for release (REL) and, with
# sanitizers and assertions, for the tests (TST). Each set of variables has its object directories
# of its own, so nothing goes stale; what users look for is copied to $(BUILD) from there.

BUILD   = build
PREFIX  = /usr/local
DESTDIR =
TLS    ?= openssl
SAN    ?= address

# As many jobs as there are processors, unless the user says -j.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell getconf _NPROCESSORS_ONLN)
endif

KERNEL  := $(shell uname -s)
ARCH    := $(shell uname -m)
BACKENDS = $(if $(filter Linux,$(KERNEL)),epoll poll,kqueue poll)
BACKEND ?= $(firstword $(BACKENDS))
SWITCH  ?= $(if $(wildcard coro/switch_$(ARCH).S),asm,ucontext)

one_of = $(if $(filter $($(1)),$(2)),,$(error $(1)=$($(1)) is not known here, but $(2) are))
$(call one_of,BACKEND,$(BACKENDS))
$(call one_of,SWITCH,$(if $(wildcard coro/switch_$(ARCH).S),asm) ucontext)
$(call one_of,TLS,openssl none)
$(call one_of,SAN,address thread undefined none coverage fuzzer)
$(if $(CROSS),$(error CROSS=$(CROSS): cross builds are not there yet))

# ---- Sources -----------------------------------------------------------------------------------

FLOORS   = base loop future coro net http
FOREIGN  = $(if $(filter Linux,$(KERNEL)),loop/kqueue.c,loop/epoll.c) \
           $(if $(filter asm,$(SWITCH)),coro/switch_ucontext.c)
ASM      = $(if $(filter asm,$(SWITCH)),$(wildcard coro/switch_$(ARCH).S))
SOURCES := $(sort $(filter-out $(FOREIGN),$(wildcard $(FLOORS:%=%/*.c) $(FLOORS:%=%/*/*.c))) $(ASM))
PUBLIC_HEADERS := $(wildcard base/base.h base/error.h loop/loop.h future/future.h coro/coro.h \
                  net/net.h http/url.h http/http.h)

# A program is one .c file and, if there are any, the .c files of the folder of the same name.
COMMANDS := $(sort $(wildcard cli/*.c))
PROGRAMS := $(patsubst cli/%.c,$(BUILD)/bin/%,$(subst _,-,$(COMMANDS)))
EXAMPLES := $(sort $(wildcard examples/*.c))
BENCHES  := $(sort $(wildcard bench/*.c))
TESTS    := $(sort $(wildcard test/*/*_test.c test/*/*/*_test.c))
INTEROP  := $(sort $(wildcard test/interop/*.sh))
SCRIPTS  := $(sort $(wildcard test/*/*_test.sh test/*/*/*_test.sh test/*/*_fail.sh))
FUZZERS  := $(sort $(wildcard test/fuzz/*_fuzz.c))
SUPPORT  := $(sort $(filter-out %_test.c,$(wildcard test/support/*.c)))

# ---- What is missing on this machine comes first (deps), and only then is pkg-config asked -----

GOALS  := $(or $(MAKECMDGOALS),all)
GROUPS := build $(if $(filter test cov interop,$(GOALS)),test) $(if $(filter lint,$(GOALS)),lint) \
          $(if $(filter fuzz,$(GOALS)),fuzz)
ifneq ($(filter-out clean help,$(GOALS)),)
ifeq ($(DEPS),skip)
$(shell DEPS=skip ./deps $(GROUPS) >&2)
else
include $(GROUPS:%=$(BUILD)/deps/%.mk)
endif
uses = $(if $(SOURCES),$(shell grep -lF '<$(1)' $(SOURCES) >/dev/null && echo $(2)))
PKGS      := $(call uses,ares.h,libcares) $(call uses,zlib.h,zlib) \
             $(if $(filter openssl,$(TLS)),$(call uses,openssl/,openssl))
PKG_FLAGS := $(if $(strip $(PKGS)),$(shell pkg-config --cflags $(PKGS)))
PKG_LIBS  := $(if $(strip $(PKGS)),$(shell pkg-config --libs $(PKGS)))
endif
$(BUILD)/deps/%.mk: deps
	@./deps $* && mkdir -p $(@D) && touch $@

# ---- Flags (CFLAGS, CPPFLAGS and LDFLAGS are the user's) ---------------------------------------

GYRE_FLAGS = -std=c11 -D_GNU_SOURCE -I. -pthread -MMD -MP $(PKG_FLAGS) \
             -DGYRE_TLS=$(if $(filter none,$(TLS)),0,1) \
             -DGYRE_BACKEND_DEFAULT=\"$(BACKEND)\" -DGYRE_SWITCH=\"$(SWITCH)\" \
             -Wall -Wextra -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes \
             $(if $(filter x86_64,$(ARCH)),-fcf-protection=branch)
REL_FLAGS  = $(GYRE_FLAGS) -O2 -g -DNDEBUG -DGYRE_DEBUG=0 $(CPPFLAGS) $(CFLAGS)
TST_FLAGS  = $(GYRE_FLAGS) -O1 -g -DGYRE_DEBUG=1 -fno-omit-frame-pointer -Werror $(SAN_$(SAN)) \
             $(CPPFLAGS) $(CFLAGS)

SAN_address   = -fsanitize=address,undefined -fno-sanitize-recover=all
SAN_thread    = -fsanitize=thread
SAN_undefined = -fsanitize=undefined -fno-sanitize-recover=all
SAN_coverage  = --coverage -O0
SAN_fuzzer    = -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all

USERS   := $(shell echo '$(FLOORS) $(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS)' | cksum | cut -d' ' -f1)
VARIANT := $(BACKEND)-$(SWITCH)-$(TLS)-$(USERS)
REL := $(BUILD)/obj/$(VARIANT)/release
TST := $(BUILD)/obj/$(VARIANT)/$(SAN)
# Symbols whose calls go through test/support, one a line, so that tests can make them fail.
WRAP := $(shell sed 's/\#.*//; s/[^ ][^ ]*/-Wl,--wrap=&/' test/support/wrap.list 2>/dev/null)

space   := $(subst ,, )
or_list  = $(subst $(space),|,$(strip $(1)))

# ---- Commands ----------------------------------------------------------------------------------

.PHONY: all bench bench-programs test test-programs interop lint fuzz cov docs install clean help
.PHONY: FORCE
.SECONDARY:
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDEXPANSION:

all: $(BUILD)/libgyre.a $(EXAMPLES:%.c=$(BUILD)/%)      ## the library, the commands, the examples
all: $(PROGRAMS)

bench-programs: $(BENCHES:%.c=$(BUILD)/%)
bench: bench-programs         ## sync against async fetching (QUICK=1, FULL=1, URL=, URLS=)
	@if [ -x $(BUILD)/bench/fetch ]; then exec $(BUILD)/bench/fetch; \
	else echo "bench/fetch.c is not there; built: $(or $(BENCHES:%.c=$(BUILD)/%),nothing)"; fi

test-programs: $(TESTS:%.c=$(TST)/%)
test: all bench-programs test-programs    ## every test on every backend (T=pattern, SAN=, JOBS=)
	@BUILD='$(BUILD)' CC='$(CC)' SAN='$(SAN)' MAKE='$(MAKE)' BACKENDS='$(BACKENDS)' T='$(T)' \
	    test/run.sh $(TST) $(TESTS) $(SCRIPTS)

interop: all bench-programs   ## against real programs: nginx, curl
	@BUILD='$(BUILD)' CC='$(CC)' MAKE='$(MAKE)' T='$(T)' test/run.sh $(TST) $(INTEROP)

lint: $(BUILD)/libgyre.a         ## floors, lengths, symbols, comments, clang-tidy, clang-format
	@BUILD='$(BUILD)' SWITCH='$(SWITCH)' PUBLIC_HEADERS='$(PUBLIC_HEADERS)' test/lint/lint.sh

fuzz:         ## every fuzz target for FUZZ_SECONDS=20 each
	@$(MAKE) --no-print-directory CC=clang SAN=fuzzer fuzz-programs
	@test/fuzz/run.sh $(FUZZERS:test/fuzz/%.c=$(BUILD)/fuzz/%)
fuzz-programs: $(FUZZERS:test/fuzz/%.c=$(BUILD)/fuzz/%)

cov:         ## lines and branches that the tests reach, a row for each file
	@rm -f $(wildcard $(CNT)/*/*.gcda $(CNT)/*/*/*.gcda)
	@$(MAKE) --no-print-directory SAN=coverage SCRIPTS= test
	@test/cov.sh $(CNT) $(SOURCES)
CNT = $(BUILD)/obj/$(VARIANT)/coverage

docs: FORCE     ## docs/errors.md, from the list of errors
	@mkdir -p $(BUILD) && $(CC) -std=c11 -I. docs/errors.c -o $(BUILD)/errors_md
	@$(BUILD)/errors_md >docs/errors.md

install: all         ## PREFIX=/usr/local DESTDIR=
	install -d '$(DESTDIR)$(PREFIX)/lib/pkgconfig' '$(DESTDIR)$(PREFIX)/bin'
	install -m 644 $(BUILD)/libgyre.a '$(DESTDIR)$(PREFIX)/lib/libgyre.a'
	@set -e; for header in gyre.h $(PUBLIC_HEADERS); do \
	    to='$(DESTDIR)$(PREFIX)/include'/$$(echo "gyre/$$header" | sed 's,^gyre/gyre.h,gyre.h,'); \
	    echo "install $$to"; install -d "$$(dirname "$$to")"; \
	    sed -E 's,^#include "($(call or_list,$(FLOORS)))/,#include "gyre/\1/,' $$header >"$$to"; \
	    chmod 644 "$$to"; done
	sed 's,@PREFIX@,$(PREFIX),; s,@VERSION@,$(VERSION),; s/@REQUIRES@/$(strip $(PKGS))/' \
	    gyre.pc.in >'$(DESTDIR)$(PREFIX)/lib/pkgconfig/gyre.pc'
	$(if $(COMMANDS),install $(PROGRAMS) '$(DESTDIR)$(PREFIX)/bin')
VERSION = $(or $(shell awk '/define GYRE_VERSION_(MAJOR|MINOR|PATCH)/ { v = v dot $$3; dot = "." } \
                            END { print v }' base/base.h),0.1.0)

clean:         ## removes $(BUILD)
	rm -rf $(BUILD)

help:         ## this text
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile
	@echo 'Variables: BACKEND=$(call or_list,$(BACKENDS)) SWITCH=asm|ucontext TLS=openssl|none'
	@echo '    SAN=address|thread|undefined|none CC= CFLAGS= BUILD=build DEPS=skip V=1'
	@echo 'At run time GYRE_BACKEND=$(call or_list,$(BACKENDS)) chooses among the backends.'

# ---- Rules -------------------------------------------------------------------------------------

say     = $(if $(V),,@printf '%-5s %s\n' $(1) $(subst $(BUILD)/obj/,,$@);) mkdir -p $(@D);
publish = @mkdir -p $(@D); cmp -s $< $@ || { cp $< $@.new && mv -f $@.new $@; }
inputs  = $(filter %.o %.a,$^)

$(REL)/%.o: %.c Makefile
	$(call say,CC) $(CC) $(REL_FLAGS) -c $< -o $@
$(TST)/%.o: %.c Makefile
	$(call say,CC) $(CC) $(TST_FLAGS) -c $< -o $@
$(REL)/%.o: %.S Makefile
	$(call say,AS) $(CC) $(REL_FLAGS) -c $< -o $@
$(TST)/%.o: %.S Makefile
	$(call say,AS) $(CC) $(TST_FLAGS) -c $< -o $@

objects = $(patsubst %,$(1)/%.o,$(basename $(2)))
$(REL)/libgyre.a: $(call objects,$(REL),$(SOURCES))
$(TST)/libgyre.a: $(call objects,$(TST),$(SOURCES))
$(REL)/libgyre.a $(TST)/libgyre.a: %/libgyre.a: %/sources
	$(call say,AR) rm -f $@; $(AR) rcs $@ $(inputs)
# Changes only when a source comes or goes, so that its object does too.
%/sources: FORCE
	@mkdir -p $(@D); echo '$(SOURCES)' | cmp -s - $@ || echo '$(SOURCES)' >$@

$(REL)/%.prog: $(REL)/%.o $$(call objects,$(REL),$$(wildcard $$*/*.c)) $(REL)/libgyre.a
	$(call say,LD) $(CC) $(REL_FLAGS) $(LDFLAGS) $(inputs) $(PKG_LIBS) -o $@
$(TST)/%_test: $(TST)/%_test.o $(call objects,$(TST),$(SUPPORT)) $(TST)/libgyre.a \
               $(wildcard test/support/wrap.list)
	$(call say,LD) $(CC) $(TST_FLAGS) $(LDFLAGS) $(WRAP) $(inputs) -lcmocka $(PKG_LIBS) -o $@
$(BUILD)/fuzz/%: $(TST)/test/fuzz/%.o $(TST)/libgyre.a
	$(call say,LD) $(CC) $(TST_FLAGS) $(LDFLAGS) -fsanitize=fuzzer $(inputs) $(PKG_LIBS) -o $@

$(BUILD)/libgyre.a: $(REL)/libgyre.a FORCE
	$(publish)
$(BUILD)/bin/%: $$(REL)/cli/$$(subst -,_,$$*).prog FORCE
	$(publish)
$(BUILD)/examples/%: $(REL)/examples/%.prog FORCE
	$(publish)
$(BUILD)/bench/%: $(REL)/bench/%.prog FORCE
	$(publish)

%.d: ;
-include $(wildcard $(foreach dir,$(REL) $(TST),$(dir)/*/*.d $(dir)/*/*/*.d $(dir)/*/*/*/*.d))
