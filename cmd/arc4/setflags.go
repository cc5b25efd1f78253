//go:build !noprofiles || !nonm

package main

import (
	"fmt"

	"github.com/spf13/pflag"
)

// The keys of a profile of connect that are no flags.
const (
	serverKey   = "server"
	passwordKey = "password"
)

// setAll gives a flag a value, or all values of a list.
func setAll(flags *pflag.FlagSet, key string, value any) error {
	list, is := value.([]string)
	if !is {
		return flags.Set(key, fmt.Sprint(value))
	}
	for _, item := range list {
		if err := flags.Set(key, item); err != nil {
			return err
		}
	}
	return nil
}
