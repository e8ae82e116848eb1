package httpcc

// SourceEnd lets the tests walk every Source.
const SourceEnd = sourceEnd
