package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// TestKilledImport kills the registry while it reads an uploaded file. After its restart the file is
// marked as interrupted with the last row that is sure, and the same file again enters the rest.
func TestKilledImport(t *testing.T) {
	const rows = 20_000
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

func (p *process) ask(method, path, key, body string) (i store.Import) {
	p.Helper()
	req, err := http.NewRequest(method, p.url+path, strings.NewReader(body))
	if err != nil {
		p.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&i); err != nil || res.StatusCode >= 400 {
		p.Fatalf("%s %s: %d %v", method, path, res.StatusCode, err)
	}
	return i
}
