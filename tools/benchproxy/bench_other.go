//go:build !linux

package main

import (
	"context"
	"errors"
	"io"
	"runtime"
	"time"
)

type bench struct{}

func open(context.Context, options) (*bench, error) {
	return nil, errors.New("needs the network namespaces of Linux, and this is " + runtime.GOOS)
}

func (*bench) close() {}

func (*bench) stream(context.Context, string, string, time.Duration) (float64, error) {
	return 0, errors.ErrUnsupported
}

func (*bench) sums(context.Context, int64, io.Writer) error { return errors.ErrUnsupported }
