//go:build nocapture

package main

import (
	"log/slog"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/arc4tun/arc4tun/tunnel"
)

const captureExample = ""

// captureFlags are none in this build.
type captureFlags struct{}

func (captureFlags) addFlags(*pflag.FlagSet)    {}
func (captureFlags) check(*cobra.Command) error { return nil }
func (captureFlags) open(_ *cobra.Command, _ string, log *slog.Logger) (*captureRun, *slog.Logger, error) {
	return nil, log, nil
}

type captureRun struct{}

func (*captureRun) attach(*tunnel.ClientConfig) {}
func (*captureRun) close(*slog.Logger)          {}
