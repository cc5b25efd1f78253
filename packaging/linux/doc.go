// Package linux holds the packages for Linux distributions to what is expected of them, with the
// build tag packages: packaging/pack/linux makes them of what nfpm.yaml lists.
package linux
