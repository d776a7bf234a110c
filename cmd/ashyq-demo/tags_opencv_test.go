//go:build gocv_videoio

package main

// withOpenCV: the tests build the programs as they were built themselves.
const withOpenCV, buildTags = true, "gocv_specific_modules,gocv_videoio,customenv"
