package main

// routerTags are the build tags of the router build, one a feature that is left out.
var routerTags = []string{
	"noplot", // charts of `arc4 speed`
}
