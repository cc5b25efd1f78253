//go:build !linux

package main

import (
	"context"
	"errors"
	"runtime"
	"time"
)

type bench struct{ running []struct{} }

func open(context.Context, options, []candidate, *progress) (*bench, error) {
	return nil, errors.New("needs the network namespaces of Linux, and this is " + runtime.GOOS)
}

func (*bench) close()     {}
func machineName() string { return runtime.GOOS }

func measure(context.Context, struct{}, time.Duration) (measurement, error) {
	return measurement{}, errors.ErrUnsupported
}
