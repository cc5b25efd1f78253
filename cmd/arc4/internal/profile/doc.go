// Package profile reads and writes the files that hold the flags of a command: /etc/arc4/NAME.toml
// and its neighbours. A file is a table of TOML without sections, whose keys are the names of
// flags.
package profile
