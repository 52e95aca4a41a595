internal import VolleyCore

/// How pipes are connected, on the loop's own thread.
extension EpollLoop {
    /// Makes a stream of a descriptor, which is closed if this throws; its protocol has been told when this returns.
    func openPipe(
        _ descriptor: CInt, _ direction: StreamDirection, limits: WriteBufferLimits = .stream,
        _ makeProtocol: () -> any BaseStreamProtocol
    ) throws(StreamError) -> FlowTransport {
        try PipeWorld(descriptor, direction, on: self).start(makeProtocol(), limits: limits)
    }
}
