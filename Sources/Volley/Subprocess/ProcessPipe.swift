internal import VolleyCore

/// The protocol of a pipe that a program writes to: passes everything on to the program's own protocol.
final class ProcessOutput: StreamProtocol {
    private let number: CInt
    /// Let go at the end, which comes once.
    private var process: ProcessTransport?

    init(_ number: CInt, of process: ProcessTransport) {
        self.number = number
        self.process = process
    }

    func dataReceived(_ data: RawSpan) { process?.received(number, data) }

    func connectionLost(_ error: StreamError?) {
        process?.lostPipe(number, error)
        process = nil
    }
}

/// The protocol of the pipe that a program reads from.
final class ProcessInput: BaseStreamProtocol {
    private let number: CInt
    private var process: ProcessTransport?

    init(_ number: CInt, of process: ProcessTransport) {
        self.number = number
        self.process = process
    }

    func pauseWriting() { process?.pauseWriting() }
    func resumeWriting() { process?.resumeWriting() }

    func connectionLost(_ error: StreamError?) {
        process?.lostPipe(number, error)
        process = nil
    }
}
