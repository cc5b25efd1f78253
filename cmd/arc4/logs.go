//go:build !noprofiles

package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/background"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/profile"
)

const logsLong = `logs shows what the runs of a profile in the background have logged, the oldest first. The file is /var/log/arc4/NAME.log, or
below $XDG_STATE_HOME (~/.local/state) for other users than root; one of more than 1 MB is set aside as NAME.log.1 when
the next run begins. Of a service it is the journal: journalctl -u arc4@NAME.`

func newLogsCmd() *cobra.Command {
	var follow bool
	cmd := &cobra.Command{
		Use:   "logs NAME",
		Short: "Show the log of a profile's tunnel in the background",
		Long:  logsLong,
		Example: `  arc4 logs office
  arc4 logs office --follow`,
		Args:              oneProfile,
		ValidArgsFunction: completeProfile,
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := logsOf(args[0])
			if err != nil {
				return err
			}
			return r.logs(cmd, follow)
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on with what is added, until interrupted")
	return cmd
}

// logsOf finds the profile of arc4 logs, which may have no file any more.
func logsOf(which string) (*profileRun, error) {
	r, err := findRun(which)
	var none *profile.NotFoundError
	if errors.As(err, &none) {
		if path, noDir := background.LogPath(which); noDir == nil {
			if _, absent := os.Stat(path); absent == nil {
				return &profileRun{name: which}, nil
			}
		}
	}
	return r, exit.With(exit.Usage, err)
}

func (r *profileRun) logs(cmd *cobra.Command, follow bool) error {
	if r.managed() {
		journal := background.Journal(r.name, follow)
		journal.Stdout, journal.Stderr = cmd.OutOrStdout(), cmd.ErrOrStderr()
		if err := journal.Run(); err != nil && cmd.Context().Err() == nil {
			return fmt.Errorf("%s: %w", journal, err)
		}
		return nil
	}
	path, err := background.LogPath(r.name)
	if err != nil {
		return err
	}
	err = background.WriteLog(cmd.Context(), path, cmd.OutOrStdout(), follow)
	if errors.Is(err, background.ErrNoLog) {
		return exit.With(exit.Failure, fmt.Errorf(`%w: "arc4 up %s" writes it`, err, r.name))
	}
	return err
}
