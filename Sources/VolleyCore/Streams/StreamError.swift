/// A failure of a stream.
///
/// The whole protocol family has one error type: errno, kind, operation and peer mean the same for a datagram endpoint
/// and for a stream.
public typealias StreamError = DatagramError
