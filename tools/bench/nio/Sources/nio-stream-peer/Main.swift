import Glibc
import NIOCore
import NIOPosix

/// Sends back what it receives: the echo of SwiftNIO's own examples, flushed once a read burst.
private final class Echo: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { context.write(data, promise: nil) }
    func channelReadComplete(context: ChannelHandlerContext) { context.flush() }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

/// An echo server of streams on SwiftNIO's `ServerBootstrap`, one loop: prints `listening on ADDRESS`, serves until its
/// input ends.
@main
enum Main {
    static func main() throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let channel = try ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1_024)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Echo()) }
            }
            .bind(host: "127.0.0.1", port: 0).wait()
        guard let port = channel.localAddress?.port else { exit(71) }
        print("listening on 127.0.0.1:\(port)")
        fflush(nil)
        while readLine() != nil {}
        try channel.close().wait()
        try group.syncShutdownGracefully()
    }
}
