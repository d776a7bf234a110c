package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"ashyq-kiosk/kiosk/api"
)

type listKeysCmd struct {
	dataFlag
	databaseFlag
}

// Run prints the live list keys, the oldest first. restore takes them with --list-key.
func (c *listKeysCmd) Run(ctx context.Context, stdout io.Writer) error {
	dir := &dataDir{name: c.Data}
	if !dir.has(registryFile) {
		return fmt.Errorf("%q holds no registry\nhint: name its data directory with --data", c.Data)
	}
	db, err := dir.open(ctx, c.Database)
	if err != nil {
		return err
	}
	keys, err := db.ListKeys(ctx)
	if err == nil && len(keys) == 0 {
		err = errors.New("there is no key of the list yet\nhint: the registry makes the first one when it is started with serve")
	}
	for _, k := range keys {
		fmt.Fprintf(stdout, "%s since %s\n", api.FormatKey(k.Key[:]), k.Since.Format(time.RFC3339))
	}
	return errors.Join(err, db.Close())
}
