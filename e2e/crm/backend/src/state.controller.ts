import { createHash } from 'node:crypto';
import { Controller, Get } from '@nestjs/common';
import { VERSION } from './version';

@Controller()
export class StateController {
  @Get('health')
  health(): { status: string } {
    return { status: 'ok' };
  }

  /** Which code answers, with which environment; of the key only a digest. */
  @Get('state')
  state(): Record<string, string | number> {
    const key = process.env.ESIGN_PRIVATE_KEY ?? '';
    return {
      version: VERSION,
      release: process.env.RELEASE ?? '',
      mode: process.env.NODE_ENV ?? '',
      key: key && createHash('sha256').update(key).digest('hex'),
      pid: process.pid,
    };
  }
}
