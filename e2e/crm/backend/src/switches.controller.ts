import { Controller, HttpCode, Param, ParseIntPipe, Post, UseGuards } from '@nestjs/common';
import { SwitchGuard } from './switch.guard';

const kept: Buffer[] = [];

/** What goes wrong in production, on request. */
@Controller('switches')
@UseGuards(SwitchGuard)
export class SwitchesController {
  @Post('leak/:mib')
  @HttpCode(202)
  leak(@Param('mib', ParseIntPipe) mib: number): { pid: number; kept: number } {
    kept.push(Buffer.alloc(mib * 1024 * 1024, 1));
    return { pid: process.pid, kept: kept.length };
  }

  @Post('crash')
  @HttpCode(202)
  crash(): { pid: number } {
    setTimeout(() => {
      throw new Error('the crash switch');
    }, 20);
    return { pid: process.pid };
  }
}
