# make demo   the whole system on this machine      make test    all tests
# make help   all targets
# What a target needs on the machine it installs itself (Debian 12 or newer, as root), and says so.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# OpenCV: only what gocv's video part needs. Without these flags `go build ./...` makes a build without cameras.
GOTAGS := gocv_specific_modules,gocv_videoio,customenv
export CGO_ENABLED := 1
export CGO_CPPFLAGS := -I/usr/include/opencv4
export CGO_CXXFLAGS := --std=c++11
export CGO_LDFLAGS := -lopencv_core -lopencv_imgproc -lopencv_imgcodecs -lopencv_videoio

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
BUILT := $(shell git log -1 --format=%cI 2>/dev/null)
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.built=$(BUILT)
GO_BUILD := go build -trimpath -buildvcs=false -tags $(GOTAGS) -ldflags "$(LDFLAGS)"

# $(call need,FILE,PACKAGES): installs Debian packages unless the file that stands for them is there.
define need
@if ! ls $(1) >/dev/null 2>&1; then \
	echo "==> installing $(2)"; \
	if [ "$$(id -u)" != 0 ]; then echo "not root: run  apt-get install $(2)  first" >&2; exit 1; fi; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(2) >/dev/null || exit 1; \
fi
endef

.PHONY: help
help: ## This list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: opencv chromium postgres dbus wpa ssh rauc
opencv:
	$(call need,/usr/include/opencv4/opencv2/videoio.hpp,libopencv-dev)
chromium:
	$(call need,/usr/bin/chromium,chromium fonts-dejavu-core)
dbus:
	$(call need,/usr/bin/dbus-daemon,dbus)
wpa:
	$(call need,/usr/sbin/wpa_supplicant,wpasupplicant)
ssh:
	$(call need,/usr/bin/ssh-keygen,openssh-client)
rauc:
	$(call need,/usr/bin/rauc /usr/bin/mksquashfs,rauc squashfs-tools openssl)
postgres:
	$(call need,/usr/lib/postgresql/*/bin/postgres,postgresql)

.PHONY: build
build: opencv ## The programs, in bin/. The first build compiles gocv: about two minutes.
	@echo "==> building $(VERSION) into bin/"
	@mkdir -p bin
	@$(GO_BUILD) -o bin/ ./cmd/...

.PHONY: demo
CAMERA ?=
VENUE ?= shop
demo: build ## Registry, door and drawn people on this machine. CAMERA=/dev/video0 looks through a webcam, VENUE=cinema changes the door.
	@bin/ashyq-demo --venue $(VENUE) $(if $(CAMERA),--camera $(CAMERA))

.PHONY: test
test: opencv chromium postgres dbus wpa ssh rauc ## All tests, with real OpenCV, Chromium, PostgreSQL and processes.
	@echo "==> go vet, with and without OpenCV"
	@go vet -tags $(GOTAGS) ./...
	@env -u CGO_CPPFLAGS -u CGO_CXXFLAGS -u CGO_LDFLAGS go vet ./...
	@echo "==> go test"
	@.ci/with-postgres go test -tags $(GOTAGS) -timeout 20m $(TESTFLAGS) ./...

.PHONY: race
race: chromium ## The packages with goroutines, under the race detector; without OpenCV, which it could not look into.
	@go test -race ./kiosk ./kiosk/enrol ./kiosk/retry ./kiosk/task ./hardware ./display ./scanner ./kiosk/client ./registry/server

.PHONY: fuzz
FUZZTIME ?= 10s
# On a busy machine the fuzzer itself sometimes ends with its own deadline instead of its time; then it gets another turn.
fuzz: ## Each fuzz target for FUZZTIME (10s).
	@go list -f '{{$$d := .ImportPath}}{{range .TestGoFiles}}{{$$d}} {{end}}{{range .XTestGoFiles}}{{$$d}} {{end}}' ./... | tr ' ' '\n' | sort -u | grep . | while read -r pkg; do \
		for target in $$(go test -list '^Fuzz' "$$pkg" | grep '^Fuzz'); do \
			echo "==> $$pkg $$target"; \
			run() { go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$pkg" >/tmp/fuzz.$$$$ 2>&1; }; \
			run || { grep -q '^    context deadline exceeded' /tmp/fuzz.$$$$ && run; } || { cat /tmp/fuzz.$$$$; exit 1; }; \
		done; \
	done

.PHONY: bench
bench: opencv ## Figures; the last lines are name<TAB>value<TAB>unit.
	@GOTAGS=$(GOTAGS) .ci/bench

.PHONY: bench-scanner bench-peers
bench-scanner: build ## What the decoder reads of the pictures and videos in DIR, and for how much CPU; CSV=FILE for each one of them.
	@.ci/bench-scanner "$(DIR)" $(CSV)
bench-peers: build ## The same beside zxing-cpp and zbar as Debian has them, in one run.
	$(call need,/usr/include/ZXing/ReadBarcode.h,libzxing-dev)
	$(call need,/usr/include/zbar.h,libzbar-dev)
	@PEERS=1 .ci/bench-scanner "$(DIR)" $(CSV)

.PHONY: deb
ARCH ?=
deb: ## Debian packages in bin/deb/: ashyq-kiosk, ashyq-registry, ashyq-kiosk-screen. ARCH=arm64 for the Pi; the first time three minutes.
	@image-build/package/build $(ARCH)
.PHONY: deb-test
deb-test: deb ## Installs, upgrades, removes and purges them in fresh roots; ARCH=arm64 on Debian 12 and 13 under qemu.
	@image-build/package/test $(ARCH)

.PHONY: hil
hil: deb ## Hardware in the loop without hardware: the packages on a user-mode kernel's lines, camera and systemd. RUN=TestHIL/chip is a part of it.
	@image-build/hil/run

.PHONY: image image-test
VARIANT ?= lean
image: ## A card image and its update bundle in bin/card/. VARIANT=screen: with the screen's browser; KEYS=DIR: the key that signs updates. LOWEST=, DOWNGRADE=: image-build/card/build.
	@image-build/card/build $(VARIANT)
image-test: ## Boots it in QEMU: enrolled, passes, updates, rolled back. RUN=TestPi is a part of it, CUTS=50 cuts the power during updates.
	@env -u CGO_CPPFLAGS -u CGO_CXXFLAGS -u CGO_LDFLAGS image-build/card/test

.PHONY: resources
resources: ## What the packaged door needs of memory, processor and card. ARCH=arm64: an emulated Cortex-A53 (docs/resources.md).
	@image-build/package/resources/run $(or $(ARCH),amd64)

.PHONY: powercut
CUTS ?= 100
powercut: ## Cuts the power of a user-mode machine CUTS times (100) while it writes; about one a second. LOG=FILE for a table.
	@kernel=$$(image-build/hil/kernel) && ASHYQ_KERNEL=$$kernel ASHYQ_CUTS=$(CUTS) ASHYQ_CUT_LOG=$(abspath $(LOG)) \
		env -u CGO_CPPFLAGS -u CGO_CXXFLAGS -u CGO_LDFLAGS go test -tags hil -count 1 -timeout 3h -v ./image-build/hil

.PHONY: lint
lint: ## gofmt, vet, staticcheck.
	@test -z "$$(gofmt -l .)" || { echo "not gofmt-ed:"; gofmt -l .; exit 1; }
	@go vet -tags $(GOTAGS) ./...
	@go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 -tags $(GOTAGS) ./...

.PHONY: clean
clean: ## Removes bin/.
	rm -rf bin
