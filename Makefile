# make demo   the whole system on this machine      make test    all tests
# make help   all targets
# A target installs what it needs (on Debian 12 or newer, as root) and says so.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# OpenCV: only what gocv's video part needs. Without these flags `go build ./...` leaves cameras
# out.
GOTAGS := gocv_specific_modules,gocv_videoio,customenv
export CGO_ENABLED := 1
export CGO_CPPFLAGS := -I/usr/include/opencv4
export CGO_CXXFLAGS := --std=c++11
export CGO_LDFLAGS := -lopencv_core -lopencv_imgproc -lopencv_imgcodecs -lopencv_videoio

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
BUILT := $(shell git log -1 --format=%cI 2>/dev/null)
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.built=$(BUILT)
GO_BUILD := go build -trimpath -buildvcs=false -tags $(GOTAGS) -ldflags "$(LDFLAGS)"
WITHOUT_OPENCV := env -u CGO_CPPFLAGS -u CGO_CXXFLAGS -u CGO_LDFLAGS
STATICCHECK := go run honnef.co/go/tools/cmd/staticcheck@v0.8.2

# $(call need,FILE,PACKAGES): installs Debian packages unless FILE, which comes with them, is there.
define need
@if ! ls $(1) >/dev/null 2>&1; then \
	echo "==> installing $(2)"; \
	if [ "$$(id -u)" != 0 ]; then echo "not root: run  apt-get install $(2)  first" >&2; exit 1; fi; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(2) >/dev/null || exit 1; \
fi
endef

.PHONY: help
help: ## This list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: opencv chromium axe postgres dbus wpa ssh rauc nginx s3
opencv:
	$(call need,/usr/include/opencv4/opencv2/videoio.hpp,libopencv-dev)
chromium:
	$(call need,/usr/bin/chromium /usr/bin/chromium-headless-shell,chromium chromium-headless-shell fonts-dejavu-core)
axe:
	$(call need,/usr/bin/curl,curl ca-certificates)
	@.ci/axe || echo "==> without axe-core: the pages are not audited"
dbus:
	$(call need,/usr/bin/dbus-daemon,dbus)
wpa:
	$(call need,/usr/sbin/wpa_supplicant /usr/sbin/hostapd /usr/bin/ping,wpasupplicant hostapd iputils-ping)
ssh:
	$(call need,/usr/bin/ssh-keygen,openssh-client)
rauc:
	$(call need,/usr/bin/rauc /usr/bin/mksquashfs,rauc squashfs-tools openssl)
s3:
	@.ci/s3 || echo "==> without versitygw: exports to object stores are not tested"
nginx:
	$(call need,/usr/sbin/nginx,nginx-light)
postgres:
	$(call need,/usr/lib/postgresql/*/bin/postgres,postgresql)

.PHONY: build
build: opencv ## The programs, in bin/. The first build compiles gocv: about two minutes.
	@echo "==> building $(VERSION) into bin/"
	@mkdir -p bin
	@.ci/reader
	@$(GO_BUILD) -o bin/ ./cmd/...

.PHONY: demo
CAMERA ?=
VENUE ?= shop
demo: build ## Registry, door and drawn people on this machine. CAMERA=/dev/video0 looks through a webcam, VENUE=cinema changes the door.
	@bin/ashyq-demo --venue $(VENUE) $(if $(CAMERA),--camera $(CAMERA))

# Three tiers of tests, from fast to thorough: check, test, and .ci/run.
.PHONY: check
check: ## Build, vet, staticcheck and the fast tests, without OpenCV, Chromium or PostgreSQL; a minute.
	@echo "==> go build, go vet, staticcheck"
	@$(WITHOUT_OPENCV) go build ./...
	@$(WITHOUT_OPENCV) go vet ./...
	@$(WITHOUT_OPENCV) $(STATICCHECK) ./...
	@echo "==> go test -short"
	@$(WITHOUT_OPENCV) go test -short -timeout 5m $(TESTFLAGS) ./...

.PHONY: test
test: opencv chromium axe postgres dbus wpa ssh rauc nginx s3 ## All tests, with real OpenCV, Chromium, PostgreSQL and processes.
	@echo "==> go vet"
	@go vet -tags $(GOTAGS) ./...
	@echo "==> go test"
	@.ci/with-postgres go test -tags $(GOTAGS) -timeout 20m -parallel 4 $(TESTFLAGS) ./registry/web ./... # most tests wait; the longest first

.PHONY: race
# SQLite, translated from C, is not ours: watching it takes three times as long.
RACE = $(WITHOUT_OPENCV) go test -race -short -timeout 30m -gcflags=modernc.org/sqlite/lib=-race=false
race: chromium ## Packages with goroutines under the race detector, without OpenCV: it cannot see into C++.
	@$(RACE) -skip 'Decode|SmallerCode|Motion|ROI|DamagedCode' ./scanner # one goroutine
	@$(RACE) -skip DatedRule ./kiosk/replica # more goroutines than the detector can count
	@$(RACE) ./kiosk ./kiosk/enrol ./kiosk/retry ./kiosk/task ./hardware ./display ./kiosk/client ./kiosk/mirror ./kiosk/doorkeys \
		./kiosk/places ./kiosk/update ./kiosk/uptime ./kiosk/visits ./registry/alert ./registry/export ./registry/server ./registry/store

.PHONY: fuzz
FUZZTIME ?= 10s
fuzz: opencv ## Each fuzz target for FUZZTIME (10s).
	@GOTAGS=$(GOTAGS) .ci/fuzz $(FUZZTIME)

.PHONY: mutations
mutations: ## 1,500,000 codes that nobody may make: none may be admitted. Two minutes.
	@ASHYQ_MUTATIONS=1500000 go test -count=1 -timeout 30m -run MutatedPasses ./kiosk/pass

.PHONY: bench
bench: opencv ## Benchmarks; the last lines are name<TAB>value<TAB>unit.
	@GOTAGS=$(GOTAGS) .ci/bench

.PHONY: bench-registry
bench-registry: postgres ## The registry with a country in it, in SQLite and PostgreSQL; a quarter of an hour. PEOPLE=20000 is a smaller one.
	@$(WITHOUT_OPENCV) .ci/bench-registry

.PHONY: bench-fleet
bench-fleet: postgres nginx ## Ten thousand doors follow registries over HTTPS; an hour. DOORS=, FLEET_MINUTES=, RUN=sqlite are smaller ones.
	@$(WITHOUT_OPENCV) .ci/bench-fleet

.PHONY: bench-list
bench-list: ## A door with the list of 20 million people: room on the card, lookups, deltas, first load, a day away. Three minutes.
	@$(WITHOUT_OPENCV) .ci/bench-list

.PHONY: bench-scanner bench-peers
bench-scanner: build ## What the decoder reads of the pictures and videos in DIR, and for how much CPU; CSV=FILE for each one of them.
	@.ci/bench-scanner "$(DIR)" $(CSV)
bench-peers: build ## The same beside zxing-cpp and zbar as Debian has them, in one run.
	$(call need,/usr/include/ZXing/ReadBarcode.h,libzxing-dev)
	$(call need,/usr/include/zbar.h,libzbar-dev)
	@PEERS=1 .ci/bench-scanner "$(DIR)" $(CSV)

.PHONY: deb
ARCH ?=
deb: ## Debian packages in bin/deb/. ARCH=arm64 for the Pi. The first time takes some minutes.
	@image-build/package/build $(ARCH)
.PHONY: deb-test
deb-test: deb ## Installs, upgrades, removes and purges them in fresh roots. ARCH=arm64: Debian 12 and 13, emulated.
	@image-build/package/test $(ARCH)

.PHONY: hil
hil: deb ## The packages on a user-mode kernel with lines, a camera and systemd. RUN=TestHIL/chip runs a part.
	@image-build/hil/run

.PHONY: boards
boards: ## Has each board of the README a driver on the card for all that it has? Seconds, from Debian's packages; no image needed.
	@env -u CGO_CPPFLAGS -u CGO_CXXFLAGS -u CGO_LDFLAGS image-build/boards/run

.PHONY: image image-test
VARIANT ?= lean
image: ## A card image and its update bundle in bin/card/. VARIANT=screen adds the browser, VARIANT=pi5 is for a Pi 5, KEYS=DIR names the signing key. LOWEST=, DOWNGRADE=: image-build/card/build.
	@image-build/card/build $(VARIANT)
image-test: ## Boots the image in QEMU: enrolment, passes, updates, rollback. RUN=TestPi runs a part, CUTS=50 cuts the power.
	@$(WITHOUT_OPENCV) image-build/card/test

.PHONY: resources
resources: ## Memory, CPU and card writes of the packaged door. ARCH=arm64: on an emulated Cortex-A53 (docs/resources.md).
	@image-build/package/resources/run $(or $(ARCH),amd64)

.PHONY: powercut
CUTS ?= 100
powercut: ## Cuts the power of a user-mode machine CUTS times (100), about one a second. LOG=FILE writes a table.
	@kernel=$$(image-build/hil/kernel) && ASHYQ_KERNEL=$$kernel ASHYQ_CUTS=$(CUTS) ASHYQ_CUT_LOG=$(abspath $(LOG)) \
		$(WITHOUT_OPENCV) go test -tags hil -count 1 -timeout 3h -v ./image-build/hil

.PHONY: lint
lint: opencv ## gofmt, vet and staticcheck of every build, and the scripts' syntax.
	@test -z "$$(gofmt -l .)" || { echo "not gofmt-ed:"; gofmt -l .; exit 1; }
	@go vet -tags $(GOTAGS) ./...
	@$(WITHOUT_OPENCV) go vet -tags hil ./image-build/... ./cmd/ashyq-kiosk
	@$(STATICCHECK) -tags $(GOTAGS) ./...
	@for script in $$(git grep -lE '^#!/usr/bin/env bash' -- image-build .ci); do bash -n "$$script" || exit 1; done

.PHONY: clean
clean: ## Removes bin/.
	rm -rf bin
