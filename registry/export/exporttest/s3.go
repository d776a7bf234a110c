// Package exporttest starts a real S3 server for tests.
package exporttest

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// program is where `make s3` puts versitygw.
func program() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "versitygw"
	}
	return filepath.Join(cache, "ashyq-kiosk", "s3", "versitygw")
}

// Bucket starts versitygw over a folder of the test, with one bucket in it, and puts what reaches
// it into the environment. It returns the bucket's name.
func Bucket(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat(program()); err != nil {
		t.Skip("there is no S3 server: make s3 builds versitygw")
	}
	const bucket, key, secret = "mirror", "test", "secret"
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, bucket), 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program(), "--access", key, "--secret", secret, "--port", address, "posix", root)
	if err := cmd.Start(); err != nil {
		stop()
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(); _ = cmd.Wait() }) // "signal: killed"
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
			break
		}
		if time.Now().After(end) {
			t.Fatalf("versitygw does not listen: %v", err)
		}
	}
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": "http://" + address, "AWS_ENDPOINT_URL_S3": "", "AWS_REGION": "us-east-1",
		"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": "",
	} {
		t.Setenv(name, value)
	}
	return bucket
}
