// Command resources measures what a door needs: memory, processor and writes to the card. It
// measures the packaged daemon from outside, and is the world around it: a registry with the status
// list of 20 million people, the camera's pictures, and people who hold up their phones. The daemon
// runs beside it or in an emulated machine; image-build/package/resources/run does both.
package main

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"ashyq-kiosk/kiosk/pass"
)

type world struct {
	registry *registry
	camera   *camera
	door     string // the daemon's URL
	probe    string // a shell command that prints "name value" lines about the daemon and its machine
	people   []person

	peak    float64 // bytes resident, the most of all phases
	written float64 // bytes a day, in the phase that was last
}

type person struct {
	key  ed25519.PrivateKey
	days map[pass.Day][]byte // credentials
}

func main() {
	registryAt := flag.String("registry", "127.0.0.1:8380", "address for the registry")
	cameraAt := flag.String("camera", "127.0.0.1:8382", "address for the camera's programs")
	door := flag.String("door", "http://127.0.0.1:8381", "the daemon")
	probe := flag.String("probe", "", "command that prints /proc/PID/io and /proc/PID/status of the daemon, and the sectors written to partitions")
	feed := flag.String("feed", "", "be the camera's program instead: pictures to the standard output, of what the world at this address shows")
	pictures := flag.String("draw", "", "draw pictures of a camera into this folder instead")
	config := flag.String("config", "", "file to write the [registry] part of the configuration to; ca.pem and identity.pem are written beside it")
	papers := flag.String("papers", "", "folder of ca.pem and identity.pem as the daemon sees it")
	guest := flag.String("registry-url", "", "the registry as the daemon sees it")
	presentations := flag.Int("presentations", 100, "people who come to the door")
	quiet := flag.Duration("quiet", 10*time.Minute, "how long nobody comes and nothing changes")
	busy := flag.Duration("busy", 15*time.Minute, "how long one status a second changes; the writes of the second half count")
	first := flag.Bool("first-load", false, "measure only the first load of the list; print name<TAB>value<TAB>unit")
	flag.Parse()
	if *pictures != "" {
		if err := draw(*pictures); err != nil {
			fmt.Fprintf(os.Stderr, "resources: %v\n", err)
			os.Exit(1)
		}
		return
	}
	if *feed != "" {
		if err := film(*feed, os.Stdout); err != nil {
			fmt.Fprintf(os.Stderr, "resources: %v\n", err)
			os.Exit(1)
		}
		return
	}
	w := &world{registry: newRegistry(), camera: newCamera(), door: *door, probe: *probe}
	run := func() error { return w.run(*presentations, *quiet, *busy) }
	if *first {
		run = w.firstLoad
	}
	if err := w.start(*registryAt, *cameraAt, settings{*config, *papers, *guest}, run); err != nil {
		fmt.Fprintf(os.Stderr, "resources: %v\n", err)
		os.Exit(1)
	}
}

// settings are what the door knows of the registry.
type settings struct {
	file   string // of the configuration
	papers string // folder of ca.pem and identity.pem as the daemon sees it
	url    string // of the registry as the daemon sees it
}

// write writes the door's identity, and the configuration last.
func (s settings) write(r *registry) error {
	identity, ca := r.papers()
	dir := filepath.Dir(s.file)
	for _, file := range []struct {
		path string
		data []byte
	}{
		{filepath.Join(dir, "ca.pem"), ca}, {filepath.Join(dir, "identity.pem"), identity},
		{s.file, fmt.Appendf(nil, "[registry]\nurl = %q\nkey = %q\nca = %q\nidentity = %q\n", s.url, r.publicKey(),
			filepath.Join(s.papers, "ca.pem"), filepath.Join(s.papers, "identity.pem"))},
	} {
		if err := os.WriteFile(file.path, file.data, 0o600); err != nil {
			return fmt.Errorf("write the configuration: %w", err)
		}
	}
	return nil
}

// start lets the world run around a door.
func (w *world) start(registryAt, cameraAt string, door settings, run func() error) error {
	if err := w.listen(registryAt, cameraAt); err != nil {
		return err
	}
	if err := door.write(w.registry); err != nil {
		return err
	}
	return run()
}

// firstLoad measures from the door's first request until the list is in force, and so on its card.
func (w *world) firstLoad() error {
	w.registry.open()
	for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if m, _, err := w.metrics(); err == nil && m["ashyq_data_version"] >= 1 {
			break
		} else if time.Since(begin) > 5*time.Minute {
			return fmt.Errorf("waited 5 minutes for the list (%v)", err)
		}
	}
	took := time.Since(w.registry.asked)
	after, err := w.look()
	if err != nil {
		return err
	}
	fmt.Printf("first_load\t%.0f\tms\nfirst_load_peak_memory\t%.1f\tMB\n", took.Seconds()*1e3, 1024*after["probe.VmHWM:"]/1e6)
	return nil
}

func (w *world) run(presentations int, quiet, busy time.Duration) error {
	for range presentations {
		w.people = append(w.people, w.registry.enrol())
	}
	fmt.Println("==> waiting for the daemon")
	if err := w.await("the daemon and its pictures", func(m sample) bool { return m["ashyq_camera_frames_total"] > 10 }); err != nil {
		return err
	}
	if err := w.phase("no list yet, nobody there", func() error { return w.rest(30 * time.Second) }); err != nil {
		return err
	}
	w.registry.open()
	err := w.phase("taking over the list of 20 million", func() error {
		return w.await("the list", func(m sample) bool { return m["ashyq_data_version"] >= 1 })
	})
	if err != nil {
		return err
	}
	if err := w.phase(fmt.Sprintf("%d people one after the other", presentations), w.visits); err != nil {
		return err
	}
	if err := w.phase("nobody there, nothing changes", func() error { return w.rest(quiet) }); err != nil {
		return err
	}
	// At first the door spends the write budget that it saved while nothing changed.
	if err := w.phase("nobody there, one status a second changes", func() error { return w.churn(busy / 2) }); err != nil {
		return err
	}
	if err := w.phase("the same, going on", func() error { return w.churn(busy / 2) }); err != nil {
		return err
	}
	return w.within()
}

// What a door may need, on a board with 512 MB and on a card that has to last.
const (
	maxResident = 150e6 // bytes
	maxWritten  = 50e6  // bytes a day, in the last phase
)

func (w *world) within() error {
	if w.peak > maxResident {
		return fmt.Errorf("the daemon had %.0f MB resident, the limit is %.0f", w.peak/1e6, maxResident/1e6)
	}
	if w.written > maxWritten {
		return fmt.Errorf("the daemon writes %.0f MB a day, the limit is %.0f", w.written/1e6, maxWritten/1e6)
	}
	return nil
}

func (w *world) listen(registryAt, cameraAt string) error {
	listener, err := net.Listen("tcp", registryAt)
	if err != nil {
		return fmt.Errorf("listen for the door at the registry: %w", err)
	}
	listener = tls.NewListener(listener, w.registry.tls())
	go func() { _ = http.Serve(listener, w.registry) }() // until the program ends
	pictures, err := net.Listen("tcp", cameraAt)
	if err != nil {
		return fmt.Errorf("listen for the door at the camera: %w", err)
	}
	go w.camera.serve(pictures)
	return nil
}

// rest waits until that much time has passed for the door. An emulated machine's clock may be
// slower.
func (w *world) rest(d time.Duration) error {
	_, begin, err := w.metrics()
	for at := begin; err == nil && at.Sub(begin) < d; _, at, err = w.metrics() {
		time.Sleep(2 * time.Second)
	}
	return err
}

// visits: each person holds up a current code until the door answers, and leaves.
func (w *world) visits() error {
	for n, p := range w.people {
		before, at, err := w.metrics()
		if err != nil {
			return err
		}
		text, err := p.code(at)
		if err != nil {
			return err
		}
		w.camera.show(text)
		shown := func(m sample) float64 {
			return m.sum(`ashyq_verdicts_total{`, `signal="admitted`, `signal="turned-back`)
		}
		err = w.await(fmt.Sprintf("a verdict for person %d", n), func(m sample) bool { return shown(m) > shown(before) })
		if err != nil {
			return err
		}
		w.camera.show("")
		time.Sleep(time.Second)
	}
	return nil
}

// churn changes one status a second, each elsewhere in the list, as a country's registry would.
func (w *world) churn(d time.Duration) error {
	_, begin, err := w.metrics()
	for at := begin; err == nil && at.Sub(begin) < d; _, at, err = w.metrics() {
		if err := w.registry.change(); err != nil {
			return err
		}
		time.Sleep(time.Second)
	}
	if err != nil {
		return err
	}
	return w.await("the door to have caught up", func(m sample) bool { return uint64(m["ashyq_data_version"]) == w.registry.version() })
}

// sample holds the daemon's and the probe's counters at one moment.
type sample map[string]float64

// sum adds up the metrics that begin like this and contain one of the words.
func (s sample) sum(begin string, words ...string) (total float64) {
	for name, value := range s {
		for _, word := range words {
			if strings.HasPrefix(name, begin) && strings.Contains(name, word) {
				total += value
			}
		}
	}
	return total
}

// metrics asks the daemon. The time is its machine's: an emulated one has its own clock.
func (w *world) metrics() (sample, time.Time, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.door+"/metrics", nil)
	if err != nil {
		return nil, time.Time{}, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("ask the daemon: %w", err)
	}
	defer resp.Body.Close()
	at, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("the daemon's time: %w", err)
	}
	s, err := readSample(resp.Body)
	return s, at, err
}

func (w *world) await(what string, done func(sample) bool) error {
	var last error
	for start := time.Now(); time.Since(start) < 15*time.Minute; time.Sleep(200 * time.Millisecond) {
		m, _, err := w.metrics()
		if last = err; err == nil && done(m) {
			return nil
		}
	}
	return fmt.Errorf("waited 15 minutes for %s (%v)", what, last)
}

func (w *world) look() (sample, error) {
	m, at, err := w.metrics()
	if err != nil {
		return nil, err
	}
	m["time"] = float64(at.Unix())
	m["versions"] = float64(w.registry.version())
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "bash", "-c", w.probe).Output()
	if err != nil {
		return nil, fmt.Errorf("run the probe %q: %w", w.probe, err)
	}
	more, err := readSample(strings.NewReader(string(out)))
	for _, needed := range []string{"write_bytes:", "VmHWM:"} {
		if _, ok := more[needed]; err == nil && !ok {
			return nil, fmt.Errorf("the probe %q does not print %s", w.probe, needed)
		}
	}
	for name, value := range more {
		m["probe."+name] = value
	}
	return m, err
}

// phase does something and prints what that took.
func (w *world) phase(name string, do func() error) error {
	fmt.Printf("==> %s\n", name)
	before, err := w.look()
	if err != nil {
		return err
	}
	if err := do(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	after, err := w.look()
	if err != nil {
		return err
	}
	d := func(metric string) float64 { return after[metric] - before[metric] }
	seconds, frames := d("time"), d("ashyq_camera_frames_total")
	w.peak = max(w.peak, after["process_resident_memory_bytes"], 1024*after["probe.VmHWM:"])
	w.written = d("probe.write_bytes:") * 86400 / seconds
	fmt.Printf("    %.0f s of its time, %.0f pictures, %.0f decoded, %.0f with a code, %.0f versions of the list\n", seconds, frames,
		d("ashyq_camera_decoded_total"), d("ashyq_camera_codes_total"), d("versions"))
	fmt.Printf("    memory: resident %.1f MB, the most so far %.1f MB, Go heap %.1f MB\n", after["process_resident_memory_bytes"]/1e6, w.peak/1e6,
		after["go_memstats_heap_inuse_bytes"]/1e6)
	fmt.Printf("    processor: %.1f %% of one, %.2f ms a picture; decoder %.2f ms a picture looked at, %.1f ms a picture decoded\n", 100*d("process_cpu_seconds_total")/seconds,
		1e3*d("process_cpu_seconds_total")/frames, 1e3*d("ashyq_decode_cpu_seconds_total")/d("ashyq_camera_examined_total"), 1e3*d("ashyq_decode_cpu_seconds_total")/d("ashyq_camera_decoded_total"))
	fmt.Printf("    written: the daemon %.0f kB (%.1f MB a day)", d("probe.write_bytes:")/1e3, w.written/1e6)
	for _, disk := range []string{"state", "root"} {
		if _, ok := after["probe."+disk]; ok {
			fmt.Printf("; partition %s %.0f kB (%.1f MB a day)", disk, d("probe."+disk)*512/1e3, d("probe."+disk)*512/1e6*86400/seconds)
		}
	}
	fmt.Println()
	return nil
}

// number reads the last field of a line. ok is false if it is not a number.
func number(line string) (name string, value float64, ok bool) {
	at := strings.LastIndexAny(line, " \t")
	if at < 0 || strings.HasPrefix(line, "#") {
		return "", 0, false
	}
	value, err := strconv.ParseFloat(line[at+1:], 64)
	return strings.TrimSpace(line[:at]), value, err == nil
}
