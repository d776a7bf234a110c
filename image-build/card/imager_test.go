package card_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// TestImagerManifest checks the manifest for Raspberry Pi Imager, which refuses an image of another
// size or hash, and offers it for the boards that are named.
func TestImagerManifest(t *testing.T) {
	for variant, tags := range map[string]string{"lean": "[pi3-64bit pi4-64bit]", "pi5": "[pi5-64bit]"} {
		t.Run(variant, func(t *testing.T) { imagerManifest(t, variant, tags) })
	}
}

func imagerManifest(t *testing.T, variant, tags string) {
	name := "ashyq-kiosk-" + variant + "-1.2.3+5.g0123456"
	stem := filepath.Join(t.TempDir(), name)
	image, packed := bytes.Repeat([]byte("image"), 1000), []byte("packed")
	for end, content := range map[string][]byte{".img": image, ".img.zst": packed} {
		if err := os.WriteFile(stem+end, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	publish, err := os.ReadFile("publish") // read here, so that go test knows that the result depends on it
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bash", "-euc", string(publish)+"variant="+variant+
		" version=1.2.3+5.g0123456 stamp=2026-11-23T05:00:00Z URL=https://cards.example/; imager_manifest "+stem)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Imager struct {
			Devices []struct {
				Name string   `json:"name"`
				Tags []string `json:"tags"`
			} `json:"devices"`
		} `json:"imager"`
		Systems []struct {
			URL        string   `json:"url"`
			Size       int      `json:"image_download_size"`
			Hash       string   `json:"image_download_sha256"`
			ImageSize  int      `json:"extract_size"`
			ImageHash  string   `json:"extract_sha256"`
			Date       string   `json:"release_date"`
			InitFormat string   `json:"init_format"`
			Devices    []string `json:"devices"`
		} `json:"os_list"`
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	if len(got.Systems) != 1 || len(got.Imager.Devices) == 0 {
		t.Fatalf("want one system and its boards:\n%s", out)
	}
	hash := func(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }
	s := got.Systems[0]
	if s.URL != "https://cards.example/"+name+".img.zst" || fmt.Sprint(s.Devices) != tags || s.Date != "2026-11-23" || s.InitFormat != "cloudinit" {
		t.Errorf("%+v", s)
	}
	if s.Size != len(packed) || s.Hash != hash(packed) || s.ImageSize != len(image) || s.ImageHash != hash(image) {
		t.Errorf("sizes or hashes: %+v", s)
	}
	for _, d := range got.Imager.Devices {
		for _, tag := range d.Tags {
			if !slices.Contains(s.Devices, tag) {
				t.Errorf("%s: no image for %q", d.Name, tag)
			}
		}
	}
}

// TestBundleManifest is what kiosk/update's tests expect of a bundle.
func TestBundleManifest(t *testing.T) {
	publish, err := os.ReadFile("publish")
	if err != nil {
		t.Fatal(err)
	}
	for downgrade, want := range map[string]string{"": "", "2026.12-5": "description=downgrade from 2026.12-5\n"} {
		out, err := exec.Command("bash", "-euc", string(publish)+"variant=lean version=2020.01-1 DOWNGRADE="+downgrade+"; bundle_manifest").CombinedOutput()
		want = "[update]\ncompatible=ashyq-kiosk-lean\nversion=2020.01-1\n" + want + "[bundle]\nformat=verity\n[image.card]\nfilename=slot.img\n"
		if err != nil || string(out) != want {
			t.Errorf("%v\n%s\nwant\n%s", err, out, want)
		}
	}
}
