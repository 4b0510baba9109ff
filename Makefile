# SPDX-License-Identifier: Apache-2.0
#
# One make process: this file holds flags, patterns and targets; each folder's module.mk lists sources.
# Everything is built under build/$(CONFIG)/; what is generated from a source goes to build/gen/.

CONFIG ?= release
BUILD  ?= build
B      := $(BUILD)/$(CONFIG)
GEN    := $(BUILD)/gen
CACHE  ?= .cache

VERSION := 0.1.0

CC            ?= gcc
ifeq ($(origin CC),default)
CC            := gcc
endif
CLANG         ?= clang
PKG_CONFIG    ?= pkg-config
BPFTOOL       ?= $(firstword $(wildcard /usr/sbin/bpftool /usr/bin/bpftool) bpftool)
PROTOC_C      ?= protoc-c

WARNINGS := -Wall -Wextra -Wshadow -Wvla -Wundef -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 \
            -Wimplicit-fallthrough -Wpointer-arith -Wwrite-strings -Wdate-time -Werror
HARDENING := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection \
             -fPIE -fno-delete-null-pointer-checks -fno-strict-aliasing
HARDENING_LD := -pie -Wl,-z,relro,-z,now,-z,noexecstack
ifeq ($(shell uname -m),x86_64)
HARDENING += -fcf-protection=full
endif
ifeq ($(shell uname -m),aarch64)
HARDENING += -mbranch-protection=standard
endif

CFLAGS_release := -O2 -g $(HARDENING) -ftrivial-auto-var-init=zero
LDFLAGS_release := $(HARDENING_LD)
CFLAGS_debug := -O1 -g -fPIE -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
LDFLAGS_debug := -pie -fsanitize=address,undefined
CFLAGS_fuzz := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined
LDFLAGS_fuzz := -fsanitize=address,undefined
CFLAGS_coverage := -O0 -g --coverage
LDFLAGS_coverage := --coverage
ifeq ($(CONFIG),fuzz)
CC := $(CLANG)
endif
ifeq ($(CFLAGS_$(CONFIG)),)
$(error CONFIG=$(CONFIG) is none of release, debug, fuzz, coverage)
endif

CPPFLAGS := -I. -I$(GEN) -D_GNU_SOURCE -DVARMOR_VERSION='"$(VERSION)"' -ffile-prefix-map=$(CURDIR)=.
CFLAGS_ALL := -std=gnu11 $(WARNINGS) $(CFLAGS_$(CONFIG))
LDFLAGS_ALL := $(LDFLAGS_$(CONFIG))

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-8s %s\n' $(1) $(2)
endif

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# ---- What the folders use -------------------------------------------------------------------------

objects = $(patsubst %.c,$(B)/%.o,$(1))

# $(call archive,name,folder,sources): $(B)/lib<name>.a from sources of a folder
define archive_rule
$(B)/lib$(1).a: $(call objects,$(addprefix $(2)/,$(3))) $$(EXTRA_OBJECTS_$(1))
	$$(call say,AR,$$@)
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $$^
ARCHIVES += $(B)/lib$(1).a
ALL_SOURCES += $(addprefix $(2)/,$(3))
endef
archive = $(eval $(call archive_rule,$(strip $(1)),$(strip $(2)),$(3)))

# $(call binary,name,folder,sources,archives,pkg-config names, other link flags)
define binary_rule
$(B)/bin/$(1): $(call objects,$(addprefix $(2)/,$(3))) $(patsubst %,$(B)/lib%.a,$(4))
	$$(call say,LINK,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(CC) $$(CFLAGS_ALL) -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $$(LDFLAGS_ALL) $$(shell $$(PKG_CONFIG) --libs $(5)) $(6)
BINARIES += $(B)/bin/$(1)
ALL_SOURCES += $(addprefix $(2)/,$(3))
endef
binary = $(eval $(call binary_rule,$(strip $(1)),$(strip $(2)),$(3),$(4),$(5),$(6)))

# $(call unit_test,name,archives,pkg-config names): test/unit/<name>.c, linked with Check
define unit_test_rule
$(B)/test/$(1): $(B)/test/unit/$(1).o $(B)/test/unit/unit.o $(patsubst %,$(B)/lib%.a,$(2))
	$$(call say,LINK,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(CC) $$(CFLAGS_ALL) -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $$(LDFLAGS_ALL) $$(shell $$(PKG_CONFIG) --libs check $(3))
UNIT_TESTS += $(B)/test/$(1)
ALL_SOURCES += test/unit/$(1).c
endef
unit_test = $(eval $(call unit_test_rule,$(strip $(1)),$(2),$(3)))

# $(call fuzzer,name,archives,pkg-config names): test/fuzz/<name>.c, a libFuzzer target (CONFIG=fuzz only)
define fuzzer_rule
$(B)/fuzz/$(1): $(B)/test/fuzz/$(1).o $(patsubst %,$(B)/lib%.a,$(2))
	$$(call say,LINK,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(CC) $$(CFLAGS_ALL) -fsanitize=fuzzer -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $$(LDFLAGS_ALL) $$(shell $$(PKG_CONFIG) --libs $(3))
FUZZERS += $(B)/fuzz/$(1)
endef
fuzzer = $(eval $(call fuzzer_rule,$(strip $(1)),$(2),$(3)))

# $(call program,path below $(B),source,archives,pkg-config names): a test or bench program
define program_rule
$(B)/$(1): $(call objects,$(2)) $(patsubst %,$(B)/lib%.a,$(3))
	$$(call say,LINK,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(CC) $$(CFLAGS_ALL) -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $$(LDFLAGS_ALL) $$(if $(strip $(4)),$$(shell $$(PKG_CONFIG) --libs $(4)))
PROGRAMS += $(B)/$(1)
ALL_SOURCES += $(2)
endef
program = $(eval $(call program_rule,$(strip $(1)),$(2),$(3),$(4)))

include $(sort $(wildcard lib/module.mk lib/*/module.mk proto/module.mk profiles/module.mk bpf/module.mk \
        manager/module.mk agent/module.mk ctl/module.mk test/*/module.mk))

# ---- Patterns -------------------------------------------------------------------------------------

# An object depends on its command line too: the stamp changes when the flags do.
FLAGS_STAMP := $(B)/.flags
FLAGS_NOW := $(CC) $(CPPFLAGS) $(CFLAGS_ALL)
$(shell mkdir -p $(B); printf '%s' "$(subst ",\",$(FLAGS_NOW))" > $(FLAGS_STAMP).new; \
        cmp -s $(FLAGS_STAMP).new $(FLAGS_STAMP) && rm -f $(FLAGS_STAMP).new || mv $(FLAGS_STAMP).new $(FLAGS_STAMP))

$(B)/%.o: %.c $(FLAGS_STAMP)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS_ALL) $(CFLAGS_$*) -MMD -MP -c -o $@ $<

# Generated sources are compiled without our warnings: they are not ours to mend.
$(B)/gen/%.o: $(GEN)/%.c $(FLAGS_STAMP)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS_ALL) -Wno-error -w -MMD -MP -c -o $@ $<

-include $(shell find $(B) -name '*.d' 2>/dev/null)

# ---- Targets (each has one line of help behind two hashes) ----------------------------------------

.PHONY: all setup help clean check
all: $(BINARIES) ## build the three binaries into build/$(CONFIG)/bin (CONFIG=release, debug, fuzz, coverage)

setup: ## install what is missing from the Debian archive (needs root) and say what
	@test/setup build

check: ## unit tests with sanitizers: no root, no network, under two minutes
	@test/run-unit

lint: ## clang-format, house rules, shellcheck, cppcheck, clang-tidy
	@test/lint/run

golden: ## write anew what is made from the sources and kept in git: docs/limits.md, expected findings
	@$(MAKE) --no-print-directory -s generated all && test/golden

format: ## bring all C sources into the form of .clang-format
	clang-format -i $$(git ls-files --cached --others --exclude-standard '*.c' '*.h')

.PHONY: lint golden format generated unit-tests list-unit-tests fuzzers
# Headers that are made before they are included; folders add theirs to GENERATED.
generated: $(GENERATED)
unit-tests: $(UNIT_TESTS)
list-unit-tests:
	@printf '%s\n' $(UNIT_TESTS)
fuzzers: $(FUZZERS)

demo: ## the main story on a real kernel and containerd, in a virtual machine (DEMO=host: on this machine)
	@test/demo/run

test: ## everything: installs what is missing, builds, tests on this machine and in virtual machines
	@test/run

fuzz: ## each fuzzer for FUZZ_SECONDS (default 60)
	@test/setup build fuzz && test/fuzz/run $(or $(FUZZ_SECONDS),60)

check-vm: ## the kernels of the matrix in virtual machines
	@test/run vm

check-cluster: ## a Kubernetes cluster with a node VM: varmor by helm, and a policy's story through kubectl
	@test/run cluster-node

demo-cluster: ## the same story, told to a person; KEEP=FOLDER leaves the cluster up
	@test/demo/cluster $(if $(KEEP),--keep $(KEEP))

bench: ## the figures, as tables
	@test/setup build vm && test/bench/run

PREFIX ?= /usr
# Programs, systemd units and the folder of policies; DESTDIR for packagers.
install: all ## install programs and systemd units below $(DESTDIR)$(PREFIX)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)/etc/varmor/policies
	install -m 0755 $(BINARIES) $(DESTDIR)$(PREFIX)/bin
	install -m 0644 charts/systemd/*.service $(DESTDIR)$(PREFIX)/lib/systemd/system

dist: ## the sources of the last commit as build/varmor-$(VERSION).tar.gz
	@mkdir -p $(BUILD)
	git archive --prefix=varmor-$(VERSION)/ HEAD | gzip -n9 > $(BUILD)/varmor-$(VERSION).tar.gz
	@echo $(BUILD)/varmor-$(VERSION).tar.gz

images: ## container images of manager and agent as OCI archives in build/images, from Debian's packages
	@$(MAKE) --no-print-directory CONFIG=release all
	@charts/images/build $(BUILD)/release/bin $(BUILD)/images $(VERSION)

.PHONY: bench install dist images demo demo-cluster test fuzz check-vm check-cluster
help: ## list the targets
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | sort -u | expand -t 18

clean: ## remove what was built (the cache of kernels and images stays)
	rm -rf $(BUILD)
