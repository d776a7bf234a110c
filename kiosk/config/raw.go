package config

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"ashyq-kiosk/hardware"
	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/names"
)

// raw is the file as written. A missing key keeps its value from defaults().
type raw struct {
	Door struct {
		Name  string `toml:"name"`
		Venue string `toml:"venue"`
		Zone  string `toml:"zone"`
		Way   string `toml:"way"`
		Paper bool   `toml:"paper"`
		Again string `toml:"again"`
	} `toml:"door"`
	Camera struct {
		Source      string  `toml:"source"`
		FrozenAfter string  `toml:"frozen_after"`
		Budget      string  `toml:"budget"`
		Exposure    string  `toml:"exposure"`
		Gain        float64 `toml:"gain"`
		Focus       float64 `toml:"focus"`
		FPS         float64 `toml:"fps"`
		Mains       int     `toml:"mains"`
	} `toml:"camera"`
	Registry struct {
		URL      string `toml:"url"`
		Key      string `toml:"key"`
		CA       string `toml:"ca"`
		Identity string `toml:"identity"`
		Deadline string `toml:"deadline"`
		Fresh    string `toml:"fresh"`

		Mirrors   []string `toml:"mirrors"`
		MirrorsCA string   `toml:"mirrors_ca"`
	} `toml:"registry"`
	Hardware hardware.Config `toml:"hardware"`
	Screen   struct {
		Listen    string   `toml:"listen"`
		Languages []string `toml:"languages"`
	} `toml:"screen"`
	State struct {
		Dir      string `toml:"dir"`
		Card     string `toml:"card"`
		Snapshot string `toml:"snapshot"`
		Stick    string `toml:"stick"`
	} `toml:"state"`
	Clock struct {
		Trust string `toml:"trust"`
	} `toml:"clock"`
	Update struct {
		Window string `toml:"window"`
		Trial  string `toml:"trial"`
	} `toml:"update"`
	Patterns map[string]hardware.Override `toml:"patterns"` // by signal
}

func defaults() raw {
	var r raw
	r.Door.Name, r.Door.Zone, r.Door.Way, r.Door.Paper, r.Door.Again = "door", "green", "entry", true, "60s"
	r.Camera.Source, r.Camera.FrozenAfter = "/dev/video0", "10s"
	r.Camera.Budget, r.Camera.Exposure, r.Camera.Mains = "20ms", "0s", 50
	r.Registry.Deadline, r.Registry.Fresh = "1500ms", "15m"
	r.Hardware.Pins = "pi"
	r.Screen.Listen, r.Screen.Languages = "127.0.0.1:8081", []string{"kk", "ru", "en"}
	r.State.Dir, r.State.Card, r.State.Stick = "/var/lib/ashyq-kiosk", "/boot/firmware", "/run/ashyq/stick"
	r.Clock.Trust = "kernel"
	r.Update.Window, r.Update.Trial = "03:00-05:00", "10m"
	return r
}

// parseRaw reads the files over the defaults; later ones override earlier ones. A card restrains
// the first one.
func parseRaw(card *Card, files ...[]byte) (r raw, refused []string, err error) {
	r = defaults()
	for i, data := range files {
		if err := r.lay(data); err != nil {
			return r, nil, err
		}
		if i == 0 && card != nil {
			refused = card.restrain(&r, defaults())
		}
	}
	return r, refused, nil
}

func (r *raw) lay(data []byte) error {
	dec := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields()
	err := dec.Decode(r)
	r.Door.Name = names.Compose(r.Door.Name)
	var unknown *toml.StrictMissingError
	var wrong *toml.DecodeError
	switch {
	case errors.As(err, &unknown):
		var problems []error
		for _, e := range unknown.Errors {
			problems = append(problems, unknownKey(e))
		}
		return errors.Join(problems...)
	case errors.As(err, &wrong):
		row, column := wrong.Position()
		return fmt.Errorf("line %d, column %d: %w", row, column, err)
	}
	return err
}

func unknownKey(e toml.DecodeError) error {
	row, _ := e.Position()
	key := strings.Join(e.Key(), ".")
	known := keys(reflect.TypeFor[raw](), "")
	near := slices.MinFunc(known, func(a, b string) int { return distance(key, a) - distance(key, b) })
	return fmt.Errorf("line %d: unknown key %q\nhint: the nearest known key is %q", row, key, near)
}

// keys lists all keys below a raw struct, joined with dots.
func keys(t reflect.Type, prefix string) []string {
	var all []string
	for i := range t.NumField() {
		f := t.Field(i)
		name := prefix + f.Tag.Get("toml")
		all = append(all, name)
		switch f.Type.Kind() {
		case reflect.Struct:
			all = append(all, keys(f.Type, name+".")...)
		case reflect.Map:
			for _, signal := range kiosk.Signals {
				all = append(all, keys(f.Type.Elem(), name+"."+signal.String()+".")...)
			}
		}
	}
	return all
}

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			above := row[j]
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(above+1, row[j-1]+1, diagonal+cost)
			diagonal = above
		}
	}
	return row[len(b)]
}
