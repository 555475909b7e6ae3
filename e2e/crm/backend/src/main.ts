import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module';
import { VERSION } from './version';

async function main(): Promise<void> {
  const app = await NestFactory.create(AppModule);
  app.setGlobalPrefix('api', { exclude: ['health'] });
  app.enableCors(); // Vite's development server is another origin
  const port = Number(process.env.PORT);
  await app.listen(port);
  new Logger('CRM').log(`version ${VERSION} listens on ${port}`);
}

void main();
