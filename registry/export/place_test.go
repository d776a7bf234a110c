package export_test

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"ashyq-kiosk/registry/export"
	"ashyq-kiosk/registry/export/exporttest"
)

// places are all implementations of export.Place.
var places = map[string]func(t *testing.T) export.Place{
	"folder": func(t *testing.T) export.Place { return openFolder(t, t.TempDir()) },
	"bucket": func(t *testing.T) export.Place { return openBucket(t, "s3://"+exporttest.Bucket(t)+"/some/where") },
}

func openBucket(t *testing.T, place string) *export.Bucket {
	t.Helper()
	b, err := export.OpenBucket(place)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestPlace is the contract of a Place.
func TestPlace(t *testing.T) {
	for name, open := range places {
		t.Run(name, func(t *testing.T) {
			ctx, place := t.Context(), open(t)
			const file = "v1/blob/a"
			if _, err := place.Get(ctx, file); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a missing file: %v", err)
			}
			if err := place.Touch(ctx, file); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("touch a missing file: %v", err)
			}
			for _, data := range [][]byte{bytes.Repeat([]byte("long"), 1<<18), []byte("short"), {}} {
				if err := place.Put(ctx, file, data); err != nil {
					t.Fatal(err)
				}
				if got, err := place.Get(ctx, file); err != nil || !bytes.Equal(got, data) {
					t.Errorf("%d of %d bytes, %v", len(got), len(data), err)
				}
			}
			if err := place.Put(ctx, "v1/manifest", []byte("m")); err != nil {
				t.Fatal(err)
			}
			first := since(t, place)
			time.Sleep(1100 * time.Millisecond) // some stores keep whole seconds
			if err := place.Touch(ctx, file); err != nil {
				t.Fatal(err)
			}
			if later := since(t, place); !later.After(first) || time.Since(later).Abs() > time.Minute {
				t.Errorf("touched at %v, before it was %v", later, first)
			}
			if err := place.Delete(ctx, file); err != nil {
				t.Fatal(err)
			}
			if files, err := place.List(ctx, "v1/blob/"); err != nil || len(files) != 0 {
				t.Errorf("after it was removed: %v, %v", files, err)
			}
			if got, err := place.Get(ctx, "v1/manifest"); err != nil || string(got) != "m" {
				t.Errorf("the other file: %q, %v", got, err)
			}
		})
	}
}

// since is when the only blob was written or touched.
func since(t *testing.T, place export.Place) time.Time {
	t.Helper()
	files, err := place.List(t.Context(), "v1/blob/")
	if err != nil || len(files) != 1 || files[0].Name != "v1/blob/a" {
		t.Fatalf("the blobs: %v, %v", files, err)
	}
	return files[0].Since
}

// TestBucket copies to a real object store, and goes on there.
func TestBucket(t *testing.T) {
	r := newRegistry(t)
	at := "s3://" + exporttest.Bucket(t)
	if got := r.once(openBucket(t, at)); got.Loaded != 3 {
		t.Errorf("the first copy: %+v", got)
	}
	r.publish()
	if got := r.once(openBucket(t, at)); got.Loaded != 2 || got.Blobs != 4 {
		t.Errorf("the second copy: %+v", got)
	}
	if files, err := openBucket(t, at).List(t.Context(), "v1/blob/"); err != nil || len(files) != 5 {
		t.Errorf("%d blobs, %v: the one that is not needed any longer stays for a while", len(files), err)
	}
}

func TestNoBucket(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	for place, want := range map[string]string{
		"s3://": "want s3://BUCKET", "s3://a:b@c": "want s3://BUCKET", "s3://bucket": "hint: set AWS_ACCESS_KEY_ID",
	} {
		if _, err := export.OpenBucket(place); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", place, err)
		}
	}
	t.Setenv("AWS_ENDPOINT_URL_S3", "minio.example:9000")
	if _, err := export.OpenBucket("s3://bucket"); err == nil || !strings.Contains(err.Error(), "want https://HOST") {
		t.Errorf("an endpoint without a scheme: %v", err)
	}
}
