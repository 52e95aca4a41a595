extension [UInt8] {
    /// Lends the array's memory as an empty output span and returns how many bytes `body` appended.
    mutating func withOutput<Failure: Error>(
        _ body: (inout OutputRawSpan) throws(Failure) -> Void
    ) throws(Failure) -> Int {
        try unsafe withUnsafeMutableBufferPointer { buffer throws(Failure) in
            let memory = UnsafeMutableRawBufferPointer(buffer)
            // SAFETY: the span does not leave the closure.
            var output = unsafe OutputRawSpan(buffer: memory, initializedCount: 0)
            try body(&output)
            return unsafe output.finalize(for: memory)
        }
    }
}
