package main

import (
	"log/slog"
	"time"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/client"
	"ashyq-kiosk/kiosk/config"
	"ashyq-kiosk/kiosk/enrol"
	"ashyq-kiosk/kiosk/places"
	"ashyq-kiosk/kiosk/task"
	"ashyq-kiosk/kiosk/visits"
)

// newVisits returns nil where no registry knows this door, and at an exit: both have no other entry
// door to tell.
func newVisits(cfg *config.Config, remote *client.Client, identity *enrol.Identity, log *slog.Logger) *visits.Keeper {
	if remote == nil || identity == nil || cfg.Door.Way == kiosk.Exit {
		return nil
	}
	return visits.New(visits.Options{Registry: remote, Door: identity.DoorKey(), Now: time.Now, Log: log})
}

// venueTasks are what the door shares with the others of its venue.
func venueTasks(seats *places.Keeper, others *visits.Keeper) (tasks []task.Task) {
	if seats != nil {
		tasks = append(tasks, seats)
	}
	if others != nil {
		tasks = append(tasks, task.Func{Name: others.String(), Do: others.Run})
	}
	return tasks
}
