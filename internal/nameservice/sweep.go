//go:build linux && !nodns

package nameservice

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
)

// Sweep takes back what runs that were killed have left, and nothing of a process that lives.
func Sweep(log *slog.Logger) error { return system.own().sweep(log) }

func (p places) sweep(log *slog.Logger) error {
	if _, err := os.Stat(p.records); os.IsNotExist(err) && !p.fileIsOurs() && p.backup() == "" {
		return nil // and makes no directory
	}
	lock, err := p.lock()
	if errors.Is(err, fs.ErrPermission) && !p.fileIsOurs() {
		return nil // who may not open root's records has left none, and name service is as it was
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	all, err := p.list()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), undoTime)
	defer cancel()
	var errs []error
	for _, l := range all {
		if l.alive {
			continue
		}
		// Somebody may have the same device again.
		again := slices.ContainsFunc(all, func(o listed) bool { return o.alive && o.entry.Way == l.entry.Way && o.entry.Device == l.entry.Device })
		if l.entry.Way != byFile && l.entry.Way != 0 && !again {
			if err := p.wayOf(l.entry.Way, log).unset(ctx, l.entry); err != nil {
				errs = append(errs, fmt.Errorf("name servers by %s: %w", l.entry.Way, err))
				continue
			}
			log.Info("the name servers of a run that was killed are not asked any more", "by", l.entry.Way, "device", l.entry.Device)
		}
		if err := os.Remove(l.path); err != nil && !os.IsNotExist(err) {
			errs = append(errs, err)
		}
	}
	// The file tells by itself whether it is ours, for what is in /run does not outlive a boot.
	living, err := p.living(byFile)
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	f := &file{places: p, log: log}
	if p.fileIsOurs() || p.backup() != "" {
		changed, err := f.follow(living)
		if err != nil {
			errs = append(errs, err)
		} else if changed {
			log.Info("the name servers of a run that was killed are not asked any more", "by", byFile)
		}
	}
	return errors.Join(errs...)
}
