// A mail server of a test's own, which takes every mail and hangs up instead of saying so.
import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

export class HangsUp {
  /** How many mails it has been handed. */
  mails = 0;
  /** Whether it says that it took a mail. */
  answers = false;
  private readonly sockets = new Set<Socket>();
  private constructor(private readonly server: Server) {}

  static async listen(): Promise<HangsUp> {
    const server = createServer();
    const own = new HangsUp(server);
    server.on('connection', socket => own.converse(socket));
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
    return own;
  }

  get url(): string {
    return `smtp://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.sockets.forEach(socket => socket.destroy());
    await new Promise(done => this.server.close(done));
  }

  private converse(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket)).on('error', () => undefined);
    let rest = '';
    let inMail = false;
    socket.write('220 test\r\n');
    socket.on('data', bytes => {
      rest += bytes.toString('latin1');
      const lines = rest.split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (inMail && line !== '.') continue;
        if (inMail) {
          inMail = false;
          this.mails += 1;
          if (!this.answers) {
            socket.destroy();
            return;
          }
          socket.write('250 taken\r\n');
        } else if (line.toUpperCase() === 'DATA') {
          inMail = true;
          socket.write('354 go on\r\n');
        } else socket.write(line.toUpperCase() === 'QUIT' ? '221 bye\r\n' : '250 fine\r\n');
      }
    });
  }
}
