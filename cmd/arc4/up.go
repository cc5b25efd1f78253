//go:build !noprofiles

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/background"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/profile"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

const upLong = `up dials by a profile in the background, waits until packets pass, and leaves the tunnel to itself: it comes back whenever
it ends. If the first attempt fails, up says why, ends with the exit code that arc4 connect would have, and leaves
nothing running; --no-wait has it try on instead. A password that is nowhere is asked for.

The background is a process of its own, without a terminal, whose log "arc4 logs NAME" shows. Where systemd runs and has
arc4@.service, and the profile lies in /etc/arc4, it is that service instead. One process runs a profile: whoever calls
up again hears that it is up, which is no failure, and of two at the same time both wait for the one tunnel.`

func newUpCmd() *cobra.Command {
	var noWait bool
	cmd := &cobra.Command{
		Use:        "up NAME",
		SuggestFor: []string{"start", "dial"},
		Short:      "Bring a profile's tunnel up in the background",
		Long:       upLong,
		Example: `  arc4 up office                 # /etc/arc4/office.toml; arc4 help profile tells what it holds
  arc4 up ./test.toml --no-wait`,
		Args:              oneProfile,
		ValidArgsFunction: completeProfile,
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := findRun(args[0])
			if err != nil {
				return err
			}
			return r.up(cmd, noWait)
		},
	}
	cmd.Flags().BoolVar(&noWait, "no-wait", false, "come back at once, and leave it trying until it is up")
	return cmd
}

// oneProfile refuses everything but one name.
func oneProfile(_ *cobra.Command, args []string) error {
	switch len(args) {
	case 0:
		return exit.Usagef(`no profile: give the NAME of one; "arc4 list" shows them`)
	case 1:
		return nil
	}
	return exit.Usagef("%q: one profile at a time", args[1])
}

// completeProfile offers the names of profiles for a command that takes one.
func completeProfile(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return completeProfiles(cmd, args, typed)
}

// profileRun is a profile, and whoever runs it.
type profileRun struct {
	name, path string // path is empty for one whose file has gone while it ran
	dir        string // of the claims and status sockets
	socket     string // --status-socket of the profile
}

// findRun finds a profile by its name or its path.
func findRun(which string) (*profileRun, error) {
	r := &profileRun{dir: status.DefaultDir()}
	var err error
	r.name, r.path, err = findProfile(which)
	var none *profile.NotFoundError
	if errors.As(err, &none) {
		if now, _ := background.Running(r.dir, which); now != (background.State{}) {
			r.name, r.path = which, fileOf(now)
			return r, nil
		}
	}
	if err != nil {
		return nil, exit.With(exit.Usage, err)
	}
	return r, nil
}

// fileOf is the file that a run was begun with, if it is there yet.
func fileOf(run background.State) string {
	if _, err := os.Stat(run.Profile); err != nil {
		return ""
	}
	return run.Profile
}

// managed reports whether systemd runs the profile.
func (r *profileRun) managed() bool {
	return background.Managed(r.name, r.path, profile.SystemDir)
}

// running says who runs the profile.
func (r *profileRun) running() (background.State, error) {
	now, err := background.Running(r.dir, r.name)
	if err != nil {
		return now, fmt.Errorf("whether %s runs cannot be told: %w", r.name, err)
	}
	return now, nil
}

// up brings the tunnel up, unless somebody has done so.
func (r *profileRun) up(cmd *cobra.Command, noWait bool) error {
	if r.path == "" {
		_, _, err := findProfile(r.name)
		return exit.With(exit.Usage, err)
	}
	password, err := r.prepare(cmd)
	if err != nil {
		return err
	}
	now, err := r.running()
	switch {
	case err != nil:
		return err
	case now.PID != 0:
		return r.upAlready(cmd, now.PID, noWait)
	case r.managed():
		return r.start(cmd, noWait)
	}
	return r.spawn(cmd, password, noWait)
}

// prepare reads the profile as connect will, so that a mistake is told here, and gets the password
// if nobody but the user knows it.
func (r *profileRun) prepare(cmd *cobra.Command) (password *string, err error) {
	connect, f := newConnect()
	connect.Flags().AddFlagSet(cmd.InheritedFlags())
	(&cobra.Command{Use: programName}).AddCommand(connect, newServeCmd()) // which tells keys of the one from the other's
	if err := connect.Flags().Set("profile", r.path); err != nil {
		return nil, err
	}
	if err := readGiven(connect, &f.given, "profile", &f.profile); err != nil {
		return nil, err
	}
	server, err := f.given.argument(nil)
	if err != nil {
		return nil, err
	}
	r.socket = f.statusSocket
	if _, err := f.parseServer(connect.Flags(), server); err != nil {
		return nil, f.given.Explain(err)
	}
	source := passwordSource{f.passwordFile, f.insecure, f.given.password}
	if source.kept() || r.managed() || !term.IsTerminal(int(os.Stdin.Fd())) {
		return nil, nil
	}
	now, err := r.running()
	if err != nil || now.PID != 0 {
		return nil, err
	}
	if err := f.permitted(); err != nil {
		return nil, err // nobody should type a password for nothing
	}
	typed, err := askPassword(cmd.Context(), f.user, cmd.ErrOrStderr())
	return &typed, err
}

// spawn starts the background.
func (r *profileRun) spawn(cmd *cobra.Command, password *string, noWait bool) error {
	log, err := background.LogPath(r.name)
	if err != nil {
		return err
	}
	args := []string{programName, "connect", "--profile", r.path}
	if password != nil {
		args = append(args, "--password-file", "/dev/fd/3")
	}
	p, err := background.Start(r.dir, r.name, args, os.Environ(), log, password)
	if err != nil {
		return fmt.Errorf("%s cannot be started in the background: %w", r.name, err)
	}
	defer p.Leave()
	if noWait {
		r.awaitClaim(cmd.Context(), p)
		return say(cmd, "%s runs in the background, as process %d; \"arc4 list\" tells when it is up", r.name, p.PID)
	}
	outcome, err := p.Wait(cmd.Context(), programName)
	switch {
	case err != nil:
		r.end(p)
		return exit.With(exit.Interrupted, fmt.Errorf("%s: %w, before it was up", r.name, err))
	case outcome.Up:
		return say(cmd, "%s is %s", r.name, outcome.Status)
	}
	r.end(p)
	if now, err := r.running(); err == nil && now.PID != 0 && now.PID != p.PID {
		return r.upAlready(cmd, now.PID, false) // another up was faster
	}
	return exit.With(outcome.Code, fmt.Errorf(`%s: %s; the log: "arc4 logs %s"`, r.name, outcome.Status, r.name))
}

// awaitClaim waits until a run that was begun shows in arc4 list, or has ended.
func (r *profileRun) awaitClaim(ctx context.Context, p *background.Process) {
	for {
		if now, err := r.running(); err != nil || now.PID != 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-p.Ended():
			return
		case <-time.After(aboutPause):
		}
	}
}

// end ends a run that is of no use.
func (r *profileRun) end(p *background.Process) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*downPatience)
	defer cancel()
	_ = p.End(ctx) // what does not end is still in arc4 list
}

// start has systemd start the service.
func (r *profileRun) start(cmd *cobra.Command, noWait bool) error {
	unit := background.Unit(r.name)
	if noWait {
		if said, err := background.Systemctl("start", r.name, "--no-block"); err != nil {
			return fmt.Errorf("systemctl start %s: %w: %s", unit, err, said)
		}
		return say(cmd, "%s is being started: \"arc4 list\" tells when it is up", unit)
	}
	type answer struct {
		said string
		err  error
	}
	started := make(chan answer, 1)
	go func() {
		defer close(started)
		said, err := background.Systemctl("start", r.name)
		started <- answer{said, err}
	}()
	systemdWaits := started
	for {
		select {
		case a := <-systemdWaits:
			if a.err != nil {
				return r.notStarted(a.said)
			}
			systemdWaits = nil // it may have been told that the first attempt has failed
		case <-cmd.Context().Done():
			_, _ = background.Systemctl("stop", r.name) // its failure is in the journal
			return exit.With(exit.Interrupted, fmt.Errorf("%s: %w, before it was up", r.name, context.Cause(cmd.Context())))
		case <-time.After(aboutPause):
		}
		now, err := r.running()
		if err != nil {
			continue
		}
		switch client := r.client(cmd.Context(), now.PID); {
		case client != nil && client.State == status.Reconnecting:
			_, _ = background.Systemctl("stop", r.name)
			<-started
			// Before a tunnel has been up, what is tried again is the network's.
			return exit.With(exit.Network, fmt.Errorf(`%s: %s; the log: "arc4 logs %s"`, r.name, client.Reason, r.name))
		case systemdWaits == nil && (client == nil || client.State == status.Up || client.State == status.Waiting):
			return say(cmd, "%s is up, as %s", r.name, unit)
		}
	}
}

// notStarted is why a service did not come up: what it said itself, else what systemctl said.
func (r *profileRun) notStarted(said string) error {
	code := background.ExitStatus(r.name)
	if code == 0 {
		code = exit.Failure
	}
	reason := background.LastJournalError(r.name, programName)
	if reason == "" {
		reason = firstLine(said)
	}
	return exit.With(code, fmt.Errorf(`%s: %s; the log: "arc4 logs %s"`, r.name, reason, r.name))
}

// firstLine is the first line of what another program said, which goes on with advice of its own.
func firstLine(said string) string {
	line, _, _ := strings.Cut(said, "\n")
	return strings.TrimSuffix(line, ".")
}

// aboutPause is between two looks at a run that another process has begun.
const aboutPause = 50 * time.Millisecond

// upAlready waits until the run that is there already is up, or is not going to be at once.
func (r *profileRun) upAlready(cmd *cobra.Command, pid int, noWait bool) error {
	for {
		client := r.client(cmd.Context(), pid)
		switch {
		case noWait, r.socket == "none": // in which case nobody can tell how it is
			return say(cmd, "%s runs already, as process %d", r.name, pid)
		case client != nil && (client.State == status.Up || client.State == status.Waiting):
			return say(cmd, "%s is up already, as process %d", r.name, pid)
		case client != nil && client.State == status.Reconnecting:
			return exit.With(exit.Network, fmt.Errorf(`%s runs already, as process %d, and is down: %s; it tries again by itself, and "arc4 down %s" ends it`, r.name, pid, client.Reason, r.name))
		}
		select {
		case <-cmd.Context().Done():
			return exit.With(exit.Interrupted, fmt.Errorf("%s: %w, before it was up", r.name, context.Cause(cmd.Context())))
		case <-time.After(aboutPause):
		}
		now, err := r.running()
		switch {
		case err != nil:
			return err
		case now.PID != pid && now.Killed:
			return r.up(cmd, noWait) // there was nothing wrong with the tunnel
		case now.PID != pid:
			return fmt.Errorf(`%s: the other run, process %d, has ended before it was up: "arc4 logs %s" tells why`, r.name, pid, r.name)
		}
	}
}

// client is what a run says of its tunnel; nil if it does not say.
func (r *profileRun) client(ctx context.Context, pid int) *status.Client {
	if r.socket != "" {
		if s, err := status.Fetch(ctx, r.socket); err == nil && s.Process.PID == pid {
			return s.Client
		}
		return nil
	}
	results, err := status.FetchAll(ctx, r.dir)
	if err != nil {
		return nil
	}
	for _, result := range results {
		if p := result.Snapshot.Process; result.Err == nil && p.PID == pid && p.Profile == r.name {
			return result.Snapshot.Client
		}
	}
	return nil
}

// say writes the one line that a command has to say.
func say(cmd *cobra.Command, format string, args ...any) error {
	_, err := fmt.Fprintf(cmd.OutOrStdout(), format+"\n", args...)
	return err
}
