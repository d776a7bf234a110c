package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/client"
	"ashyq-kiosk/registry/export"
)

type exportCmd struct {
	registryFlags
	Once    bool          `help:"Copy what is current and end, instead of following the registry."`
	Keep    time.Duration `default:"2h" placeholder:"TIME" help:"How long a blob stays after the last manifest that named it: longer than a slow door needs, and longer than caches keep a manifest. (${default})"`
	Verbose bool          `help:"Also log each version that is copied."`
	To      string        `arg:"" name:"to" help:"Directory that a web server serves, or s3://BUCKET/PREFIX with endpoint and credentials in the AWS_* variables. It gets v1/manifest and v1/blob/. What is already there is not loaded again."`
}

// leastKeep is longer than a door on a slow line takes for one section.
const leastKeep = 10 * time.Minute

// Run keeps a mirror's files up to date. It needs neither the registry's database nor its secrets.
func (c *exportCmd) Run(ctx context.Context, stdout io.Writer, log *slog.Logger) error {
	if c.Keep < leastKeep {
		return usage{fmt.Errorf("--keep %v is less than %v, which a door on a slow line needs", c.Keep, leastKeep)}
	}
	key, err := api.ParseKey(c.Key)
	if err != nil {
		return usage{fmt.Errorf("--key: %w\nhint: ashyq-registry key --data DIR prints it", err)}
	}
	authorities, err := c.authorities()
	if err != nil {
		return err
	}
	remote, err := client.New(client.Config{URL: c.From, CA: authorities})
	if err != nil {
		return usage{fmt.Errorf("--from: %w", err)}
	}
	defer remote.Close()
	place, closePlace, err := openPlace(c.To)
	if err != nil {
		return err
	}
	defer closePlace()
	e := export.New(export.Options{Source: remote, Key: key, Place: place, Keep: c.Keep, Log: log,
		Progress: func(done, all int, bytes int64) { fmt.Fprintf(stdout, "%d of %d blobs, %d bytes\n", done, all, bytes) }})
	if !c.Once {
		log.Info("following the registry", "from", c.From, "to", c.To)
		return e.Run(ctx)
	}
	result, err := e.Once(ctx)
	if err != nil {
		return err
	}
	m := result.Manifest
	fmt.Fprintf(stdout, "version %d of %s: %s, %s in %s, %d of them loaded (%d bytes)\n",
		m.Version, m.IssuedAt().UTC().Format(time.RFC3339),
		counted(len(m.Sections), "section"), counted(result.Blobs, "blob"), c.To, result.Loaded, result.Bytes)
	return nil
}

func openPlace(to string) (export.Place, func(), error) {
	if export.IsBucket(to) {
		bucket, err := export.OpenBucket(to)
		if err != nil {
			return nil, nil, usage{err}
		}
		return bucket, func() {}, nil
	}
	folder, err := export.OpenFolder(to)
	if err != nil {
		return nil, nil, err
	}
	return folder, func() { _ = folder.Close() }, nil // only a lock: nothing is lost
}
