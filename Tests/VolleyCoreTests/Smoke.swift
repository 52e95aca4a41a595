import Testing
import VolleyCore
@Test func layout() { #expect(MemoryLayout<SocketAddress>.size == 28) }
