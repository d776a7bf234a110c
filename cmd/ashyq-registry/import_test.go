package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// TestKilledImport kills the registry while it reads an uploaded file. After its restart the file
// is marked as interrupted with the last row that is sure, and the same file again enters the rest.
func TestKilledImport(t *testing.T) {
	const rows = 6000
	p := &process{T: t, data: filepath.Join(t.TempDir(), "data")}
	p.serve()
	lab, _ := p.people(nil)
	file := importFile(rows)

	i := p.upload(lab, file)
	for i.Line < rows/10 {
		time.Sleep(5 * time.Millisecond)
		i = p.imported(lab, i.ID)
	}
	p.kill()
	p.serve()
	before := p.imported(lab, i.ID)
	if before.State != store.Interrupted || before.Line < i.Line || before.Entered != before.Line-1 || before.Line > rows {
		t.Fatalf("after the kill: %+v, was %+v", before, i)
	}

	after := p.finished(lab, p.upload(lab, file))
	if after.State != store.Finished || after.Entered+after.Known != rows || after.Known < before.Entered {
		t.Errorf("the same file again: %+v, interrupted with %+v", after, before)
	}
	if again := p.finished(lab, p.upload(lab, file)); again.Known != rows {
		t.Errorf("and again: %+v", again)
	}
	p.kill()
}

// TestHalfSentImport breaks a connection off in the middle of a file: nothing of it is entered, and
// the source can send it again at once.
func TestHalfSentImport(t *testing.T) {
	p := &process{T: t, data: filepath.Join(t.TempDir(), "data")}
	p.serve()
	lab, _ := p.people(nil)
	file := importFile(100)
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s",
		server.PathImports, lab, len(file), file[:len(file)/2])
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	var i store.Import
	for end := time.Now().Add(90 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if i, err = p.tryAsk(http.MethodPost, server.PathImports, lab, file); err == nil {
			break
		} else if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	if i = p.finished(lab, i); i.Entered != 100 || i.ID != 1 {
		t.Errorf("the whole file after half of it: %+v", i)
	}
	p.kill()
}

// importFile has so many negative results, of a hundred people.
func importFile(rows int) string {
	people := numbers(100)
	taken := time.Now().Add(-time.Hour).Format(time.RFC3339)
	var b strings.Builder
	b.WriteString("iin;sample;result;taken\n")
	for n := range rows {
		fmt.Fprintf(&b, "%s;S-%d;negative;%s\n", people[n%len(people)], n, taken)
	}
	return b.String()
}

func (p *process) upload(key, file string) store.Import {
	p.Helper()
	return p.ask(http.MethodPost, server.PathImports, key, file)
}

func (p *process) imported(key string, id int64) store.Import {
	p.Helper()
	return p.ask(http.MethodGet, fmt.Sprintf("%s/%d", server.PathImports, id), key, "")
}

func (p *process) finished(key string, i store.Import) store.Import {
	p.Helper()
	for end := time.Now().Add(2 * time.Minute); i.State == store.Running && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
		i = p.imported(key, i.ID)
	}
	return i
}

func (p *process) ask(method, path, key, body string) store.Import {
	p.Helper()
	i, err := p.tryAsk(method, path, key, body)
	if err != nil {
		p.Fatal(err)
	}
	return i
}

func (p *process) tryAsk(method, path, key, body string) (i store.Import, err error) {
	req, err := http.NewRequest(method, p.url+path, strings.NewReader(body))
	if err != nil {
		return i, err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return i, err
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&i); err != nil || res.StatusCode >= 400 {
		return i, fmt.Errorf("%s %s: %d %v", method, path, res.StatusCode, err)
	}
	return i, nil
}
