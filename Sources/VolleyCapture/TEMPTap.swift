public import VolleyCore
public final class CaptureTap: DatagramTap { public init(path: String) throws(CaptureError) {}
 public func close() throws(CaptureError) {}
 public func received(_ payload: RawSpan, from source: SocketAddress, to local: SocketAddress, at time: WallClockTime) {}
 public func sent(_ payload: RawSpan, from local: SocketAddress, to destination: SocketAddress, at time: WallClockTime) {}
}
