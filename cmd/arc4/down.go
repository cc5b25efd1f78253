//go:build !noprofiles

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/background"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/profile"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// downPatience is how long a run may take to put everything back before it is told to hurry, and
// then again before it is killed. A hook at its end has 3 s, the peer one.
const downPatience = 10 * time.Second

const downLong = `down ends the tunnel of a profile, wherever it runs (in the background, as a service, on another terminal), and waits
until all is put back: routes, addresses, name servers, the kill switch, the device. What a run left behind that was
killed is removed. A run that does not end within 10 s is told again, and killed after 10 s more. That it was not up is
said, and is no failure.`

func newDownCmd() *cobra.Command {
	return &cobra.Command{
		Use:               "down NAME",
		SuggestFor:        []string{"stop", "disconnect", "hangup"},
		Short:             "End a profile's tunnel, and wait until all is put back",
		Long:              downLong,
		Example:           "  arc4 down office",
		Args:              oneProfile,
		ValidArgsFunction: completeProfile,
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := findRun(args[0])
			if err != nil {
				return err
			}
			if err := r.seen(); err != nil {
				return err
			}
			was, err := r.down(cmd)
			if err != nil {
				return err
			}
			return say(cmd, "%s %s", r.name, was)
		},
	}
}

func newRestartCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "restart NAME",
		Short: "End a profile's tunnel, if it is up, and bring it up again",
		Long: `restart is arc4 down and then arc4 up: so a profile that was changed comes into force. One with a mistake in it stays as it
was, and the tunnel stays up.`,
		Example:           "  arc4 restart office",
		Args:              oneProfile,
		ValidArgsFunction: completeProfile,
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := findRun(args[0])
			if err != nil {
				return err
			}
			if r.path == "" {
				return r.up(cmd, false) // which says that there is no such file
			}
			if _, err := r.prepare(cmd); err != nil {
				return err
			}
			if _, err := r.down(cmd); err != nil {
				return err
			}
			return r.up(cmd, false)
		},
	}
}

// rootDir is where runs of root are; others cannot look into it.
const rootDir = "/run/arc4"

// seen refuses to say of a profile of the machine that it is not up, where root may run it and this
// user cannot look.
func (r *profileRun) seen() error {
	if r.dir == rootDir || filepath.Dir(r.path) != profile.SystemDir || r.managed() {
		return nil
	}
	if now, err := r.running(); err != nil || now != (background.State{}) {
		return err
	}
	if _, err := os.ReadDir(rootDir); !errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return exit.With(exit.Permission, fmt.Errorf("%s: this user does not run it, and what root runs is seen and ended by root alone: run as root", r.name))
}

// down ends the run of the profile, and says what became of it.
func (r *profileRun) down(cmd *cobra.Command) (was string, err error) {
	log := loggerFrom(cmd.Context())
	if r.managed() && background.Active(r.name) {
		if said, err := background.Systemctl("stop", r.name); err != nil {
			return "", fmt.Errorf("systemctl stop %s: %w: %s", background.Unit(r.name), err, firstLine(said))
		}
		removeLeftovers(log)
		return "is down", nil
	}
	now, err := r.running()
	switch {
	case err != nil:
		return "", err
	case now.PID != 0:
		killed, err := background.Stop(cmd.Context(), r.dir, r.name, now.PID, downPatience)
		if err != nil {
			return "", fmt.Errorf("%s: %w", r.name, err)
		}
		if !killed {
			return "is down", nil
		}
		was = fmt.Sprintf("did not end, and was killed (process %d); what it left is removed", now.PID)
	case now.Killed:
		was = "was killed; what it left is removed"
	default:
		was = "is not up"
	}
	removeLeftovers(log)
	if err := status.RemoveDead(status.DefaultPath(socketName(r.name))); err != nil {
		log.Warn("the status socket of a killed run stays", "error", err)
	}
	var running *background.RunningError
	if err := background.Forget(r.dir, r.name); err != nil && !errors.As(err, &running) && was != "is not up" {
		return "", fmt.Errorf("%s: %w", r.name, err)
	}
	return was, nil
}
